-- Enters an installation in an empty Redis, or says what is there. Runs without the prelude.
-- KEYS[1] the installation's hash
-- ARGV: layout version, partitions, installation id, origin (fresh|recovered)
-- Returns { layout, partitions, id, origin } as they now stand
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], 'layout', ARGV[1], 'partitions', ARGV[2], 'id', ARGV[3], 'origin', ARGV[4])
end
return redis.call('HMGET', KEYS[1], 'layout', 'partitions', 'id', 'origin')
