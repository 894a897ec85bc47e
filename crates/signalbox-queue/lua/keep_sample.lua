-- Counts something refused and keeps the newest samples of it.
-- ARGV[3] what it is called, ARGV[4] sample, ARGV[5] how many samples are kept
-- Returns how often it has happened
local key = P .. 'samples:' .. ARGV[3]
redis.call('LPUSH', key, ARGV[4])
redis.call('LTRIM', key, 0, tonumber(ARGV[5]) - 1)
return redis.call('HINCRBY', P .. 'refused', ARGV[3], 1)
