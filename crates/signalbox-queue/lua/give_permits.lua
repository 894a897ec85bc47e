-- The request is over: its place in the concurrency of its lanes is free again. Its share of the windows stays used.
-- ARGV[3] ref of the job, [4] token, [5] name of the permit, then the lanes
-- Returns nothing
for i = 6, #ARGV do
  redis.call('SREM', P .. 'permits:' .. ARGV[i], ARGV[3] .. ' ' .. ARGV[4] .. ' ' .. ARGV[5])
end
