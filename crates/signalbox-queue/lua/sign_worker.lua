-- Notes what a worker says of itself at its heartbeat, or that it has gone.
-- ARGV[3] worker, ARGV[4] what it says as JSON, or '' when it goes
-- Returns nothing of use
if ARGV[4] == '' then return redis.call('HDEL', P .. 'workers', ARGV[3]) end
return redis.call('HSET', P .. 'workers', ARGV[3], now_text .. ' ' .. ARGV[4])
