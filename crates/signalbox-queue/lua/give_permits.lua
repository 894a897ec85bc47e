-- Requests are over: their places in the concurrency of lanes are free again. Their shares of the windows stay used.
-- ARGV from 3, 2 per place: lane, holder (ref of the job, token and name of the permit, with blanks between)
-- Returns nothing
for i = 3, #ARGV, 2 do
  redis.call('SREM', P .. 'permits:' .. ARGV[i], ARGV[i + 1])
end
