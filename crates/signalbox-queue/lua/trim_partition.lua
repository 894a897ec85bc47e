-- Ends what has outlived its use, at most ARGV[3] of each kind.
-- ARGV[4] forget jobs that finished before this instant, ARGV[5] effects, ARGV[6] dead jobs, ARGV[7] minutes;
-- ARGV[8] drop the records of jobs that finished before this instant: their refs still absorb the same news;
-- keep at most ARGV[9] finished jobs, the records of the newest ARGV[10] of them, ARGV[11] dead jobs of each queue;
-- of the records of finished jobs at most ARGV[12] bytes, and of the dead jobs of each queue ARGV[13];
-- forget workers that have said nothing since ARGV[14]; then the queues with dead jobs
-- Returns { finished jobs, effects, dead jobs, records that were removed, dead jobs that were too many or took too much,
--   1 if more is left }
local most = tonumber(ARGV[3])

local more = 0

local function drop_record(index, ref)
  local length = redis.call('STRLEN', P .. 'job:' .. ref)
  if length == 0 then return 0 end
  weigh(index, length, -1)
  return redis.call('DEL', P .. 'job:' .. ref)
end

local function remove(index, what, names)
  for _, name in ipairs(names) do
    redis.call('ZREM', P .. index, name)
    if what == 'job:' then drop_record(index, name) else redis.call('DEL', P .. what .. name) end
  end
  return #names
end

-- First what is too old, then the oldest of what is too many. Returns how many went, and how many of them were young.
local function forget(index, before, what, keep)
  local old = remove(index, what, redis.call('ZRANGEBYSCORE', P .. index, '-inf', before, 'LIMIT', 0, most))
  local excess = keep and redis.call('ZCARD', P .. index) - keep or 0
  local young = 0
  if excess > 0 and old < most then
    young = remove(index, what, redis.call('ZRANGE', P .. index, 0, math.min(excess, most - old) - 1))
  end
  if old + young >= most then more = 1 end
  return old + young, young
end

-- The finished jobs are gone through in the order of their ends; `records` says how far.
local function drop_records(before, keep)
  -- The first that is kept because it is one of the newest: what ended before it goes.
  local kept = redis.call('ZRANGE', P .. 'finished', -keep, -keep, 'WITHSCORES')[2]
  if kept and redis.call('ZCARD', P .. 'finished') > keep then before = math.max(tonumber(before), tonumber(kept)) end
  before = string.format('%d', before)
  local from = redis.call('HGET', P .. 'meta', 'records') or '-inf'
  local old = redis.call('ZRANGE', P .. 'finished', '(' .. from, '(' .. before, 'BYSCORE', 'LIMIT', 0, most, 'WITHSCORES')
  if #old == 0 then return 0 end
  -- Those that ended in the same millisecond as the last one are not to be left behind.
  local last = old[#old]
  local all = redis.call('ZRANGE', P .. 'finished', '(' .. from, last, 'BYSCORE')
  local dropped = 0
  for _, ref in ipairs(all) do dropped = dropped + drop_record('finished', ref) end
  redis.call('HSET', P .. 'meta', 'records', last)
  if #old == most then more = 1 end
  return dropped
end

-- One millisecond after the other, the oldest first, until the rest takes no more than it may.
local function lighten_records(bytes)
  local from, looked, dropped = redis.call('HGET', P .. 'meta', 'records') or '-inf', 0, 0
  while bytes_of('finished') > bytes do
    if looked >= most then
      more = 1
      break
    end
    local first = redis.call('ZRANGE', P .. 'finished', '(' .. from, '+inf', 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')[2]
    if not first then
      count_anew('finished')
      break
    end
    for _, ref in ipairs(redis.call('ZRANGE', P .. 'finished', first, first, 'BYSCORE')) do
      looked, dropped = looked + 1, dropped + drop_record('finished', ref)
    end
    from = first
  end
  if looked > 0 then redis.call('HSET', P .. 'meta', 'records', from) end
  return dropped
end

-- The oldest go until the rest takes no more than it may.
local function lighten_dead(index, bytes)
  local removed = 0
  while bytes_of(index) > bytes do
    if removed >= most then
      more = 1
      break
    end
    local oldest = redis.call('ZRANGE', P .. index, 0, 0)
    if #oldest == 0 then
      count_anew(index)
      break
    end
    removed = removed + remove(index, 'job:', oldest)
  end
  return removed
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

-- Few: one for each worker.
local function forget_workers(before)
  local said = redis.call('HGETALL', P .. 'workers')
  for i = 1, #said, 2 do
    if tonumber(string.match(said[i + 1], '^(%d+) ')) <= before then redis.call('HDEL', P .. 'workers', said[i]) end
  end
end

local out = { (forget('finished', ARGV[4], 'job:', tonumber(ARGV[9]))), trim_ledger(tonumber(ARGV[5])), 0,
  drop_records(ARGV[8], tonumber(ARGV[10])), 0 }
out[4] = out[4] + lighten_records(tonumber(ARGV[12]))
for i = 15, #ARGV do
  local index = 'dead:' .. ARGV[i]
  local removed, young = forget(index, ARGV[6], 'job:', tonumber(ARGV[11]))
  local heavy = lighten_dead(index, tonumber(ARGV[13]))
  count(ARGV[i], 'dead', -removed - heavy)
  out[3], out[5] = out[3] + removed + heavy, out[5] + young + heavy
end
forget('minutes', ARGV[7], 'minute:')
forget_workers(tonumber(ARGV[14]))
-- A window whose last slice is outside counts nothing any more.
for _, window in ipairs(redis.call('ZRANGEBYSCORE', P .. 'windows', '-inf', now, 'LIMIT', 0, most)) do
  redis.call('ZREM', P .. 'windows', window)
  redis.call('DEL', window)
end
out[6] = more
return finish(out)
