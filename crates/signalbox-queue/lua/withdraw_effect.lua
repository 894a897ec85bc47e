-- Takes an intent back after an answer that proves that nothing was done.
-- ARGV[3] effect key, ARGV[4] token of the intent
-- Returns 1 withdrawn, 0 the intent is not this one
local effect = P .. 'effect:' .. ARGV[3]
local old = redis.call('HMGET', effect, 'state', 'token')
if old[1] ~= 'intended' or old[2] ~= ARGV[4] then return 0 end
redis.call('DEL', effect)
redis.call('ZREM', P .. 'effects', ARGV[3])
return 1
