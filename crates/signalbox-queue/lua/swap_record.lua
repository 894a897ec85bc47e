-- Changes one record of a register if it still is what the caller read.
-- ARGV[3] register, [4] name, [5] the text that was read or '' for none, [6] the new text or '' to remove it
-- Returns 1 changed, 0 somebody else was faster
local key = P .. 'register:' .. ARGV[3]
if (redis.call('HGET', key, ARGV[4]) or '') ~= ARGV[5] then return 0 end
if ARGV[6] == '' then redis.call('HDEL', key, ARGV[4]) else redis.call('HSET', key, ARGV[4], ARGV[6]) end
return 1
