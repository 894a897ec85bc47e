-- Ends what has outlived its use, at most ARGV[3] of each kind.
-- ARGV[4] forget jobs that finished before this instant, ARGV[5] effects, ARGV[6] dead jobs, ARGV[7] minutes;
-- ARGV[8] drop the records of jobs that finished before this instant: their refs still absorb the same news;
-- then the queues with dead jobs
-- Returns { finished jobs, effects, dead jobs, records } that were removed
local most = tonumber(ARGV[3])

local function forget(index, before, what)
  local old = redis.call('ZRANGEBYSCORE', P .. index, '-inf', before, 'LIMIT', 0, most)
  for _, name in ipairs(old) do
    redis.call('ZREM', P .. index, name)
    redis.call('DEL', P .. what .. name)
  end
  return #old
end

-- The finished jobs are gone through in the order of their ends; `records` says how far.
local function drop_records(before)
  local from = redis.call('HGET', P .. 'meta', 'records') or '-inf'
  local old = redis.call('ZRANGE', P .. 'finished', '(' .. from, '(' .. before, 'BYSCORE', 'LIMIT', 0, most, 'WITHSCORES')
  if #old == 0 then return 0 end
  -- Those that ended in the same millisecond as the last one are not to be left behind.
  local last = old[#old]
  local all = redis.call('ZRANGE', P .. 'finished', '(' .. from, last, 'BYSCORE')
  local dropped = 0
  for _, ref in ipairs(all) do dropped = dropped + redis.call('DEL', P .. 'job:' .. ref) end
  redis.call('HSET', P .. 'meta', 'records', last)
  return dropped
end

-- The ledger has no order: it is gone through again and again, a part at a time.
local function trim_ledger(before)
  local at = redis.call('HGET', P .. 'meta', 'ledger_at') or '0'
  local part = redis.call('HSCAN', P .. 'ledger', at, 'COUNT', most)
  local dropped = 0
  for i = 1, #part[2], 2 do
    local entered = string.match(part[2][i + 1], '^%l(%x+) ')
    if tonumber(entered, 16) <= before then dropped = dropped + redis.call('HDEL', P .. 'ledger', part[2][i]) end
  end
  if part[1] ~= at then redis.call('HSET', P .. 'meta', 'ledger_at', part[1]) end
  return dropped
end

local out = { forget('finished', ARGV[4], 'job:'), trim_ledger(tonumber(ARGV[5])), 0, drop_records(ARGV[8]) }
for i = 9, #ARGV do
  local removed = forget('dead:' .. ARGV[i], ARGV[6], 'job:')
  if removed > 0 then count(ARGV[i], 'dead', -removed) end
  out[3] = out[3] + removed
end
forget('minutes', ARGV[7], 'minute:')
-- A window whose last slice is outside counts nothing any more.
for _, window in ipairs(redis.call('ZRANGEBYSCORE', P .. 'windows', '-inf', now, 'LIMIT', 0, most)) do
  redis.call('ZREM', P .. 'windows', window)
  redis.call('DEL', window)
end
return finish(out)
