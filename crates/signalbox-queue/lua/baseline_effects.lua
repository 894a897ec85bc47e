-- Enters effects as known from before, without a request ever being sent.
-- ARGV from 3: effect keys
-- Returns how many were not known yet
local fresh = 0
for i = 3, #ARGV do
  local effect = P .. 'effect:' .. ARGV[i]
  if redis.call('EXISTS', effect) == 0 then
    redis.call('HSET', effect, 'state', 'baseline', 'at', now)
    redis.call('ZADD', P .. 'effects', now, ARGV[i])
    fresh = fresh + 1
  end
end
return fresh
