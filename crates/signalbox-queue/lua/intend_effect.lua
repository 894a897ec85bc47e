-- Declares an effect before its request is sent.
-- ARGV[3] effect key, [4] job id, [5] token, [6] token of the intent that was looked into and may be taken over, or ''
-- Returns { 'fresh' } (ours now) | { 'lost' } (the caller's lease is gone)
--   | { 'in_flight', at } | { 'unknown', at, its token } | { 'confirmed', at, receipt } | { 'baseline', at }
local effect, id, token, taken_over = P .. 'effect:' .. ARGV[3], ARGV[4], ARGV[5], ARGV[6]
if redis.call('HGET', P .. 'job:' .. id, 'token') ~= token then return { 'lost' } end
local old = redis.call('HMGET', effect, 'state', 'at', 'receipt', 'job', 'token')
if old[1] == 'confirmed' then return { 'confirmed', old[2], old[3] } end
if old[1] == 'baseline' then return { 'baseline', old[2] } end
if old[1] == 'intended' and old[5] ~= token and old[5] ~= taken_over then
  local holder = redis.call('HGET', P .. 'job:' .. old[4], 'token')
  local leased = tonumber(redis.call('ZSCORE', P .. 'leases', old[4]) or 0)
  if holder == old[5] and leased > now then return { 'in_flight', old[2] } end
  return { 'unknown', old[2], old[5] }
end
redis.call('HSET', effect, 'state', 'intended', 'at', now, 'job', id, 'token', token)
redis.call('ZADD', P .. 'effects', now, ARGV[3])
return { 'fresh' }
