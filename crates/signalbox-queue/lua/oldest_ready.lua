-- For how long the oldest ready job of a queue has been waiting, to the second. Looks at no job.
-- ARGV[3] queue
-- Returns ms, or -1 if none is ready
local second = redis.call('ZRANGE', P .. 'oldest:' .. ARGV[3], 0, 0)[1]
if not second then return -1 end
return math.max(0, now - second * 1000)
