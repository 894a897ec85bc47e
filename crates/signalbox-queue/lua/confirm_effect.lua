-- Enters the receipt of an effect. It is true whoever brings it, so no token is asked for.
-- ARGV[3] effect key, ARGV[4] receipt
-- Returns 1 entered, 0 it was confirmed before
local effect = P .. 'effect:' .. ARGV[3]
if redis.call('HGET', effect, 'state') == 'confirmed' then return 0 end
redis.call('HSET', effect, 'state', 'confirmed', 'at', now, 'receipt', ARGV[4])
redis.call('HDEL', effect, 'job', 'token')
redis.call('ZADD', P .. 'effects', now, ARGV[3])
return 1
