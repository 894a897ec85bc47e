-- Ends what has outlived its use, at most ARGV[3] of each kind.
-- ARGV[4] finished jobs older than this instant, ARGV[5] effects, ARGV[6] dead jobs; then the queues with dead jobs
-- Returns { finished jobs, effects, dead jobs } that were removed
local most = tonumber(ARGV[3])

local function trim(index, before, remove)
  local old = redis.call('ZRANGEBYSCORE', P .. index, '-inf', before, 'LIMIT', 0, most)
  for _, name in ipairs(old) do
    redis.call('ZREM', P .. index, name)
    redis.call('DEL', P .. remove .. name)
  end
  return #old
end

local out = { trim('finished', ARGV[4], 'job:'), trim('effects', ARGV[5], 'effect:'), 0 }
for i = 7, #ARGV do
  local removed = trim('dead:' .. ARGV[i], ARGV[6], 'job:')
  if removed > 0 then count(ARGV[i], 'dead', -removed) end
  out[3] = out[3] + removed
end
-- A window whose last slice is outside counts nothing any more.
for _, window in ipairs(redis.call('ZRANGEBYSCORE', P .. 'windows', '-inf', now, 'LIMIT', 0, most)) do
  redis.call('ZREM', P .. 'windows', window)
  redis.call('DEL', window)
end
return out
