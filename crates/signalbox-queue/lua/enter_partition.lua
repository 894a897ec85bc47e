-- Enters the installation in one partition, unless one is there. Runs without the prelude, which asks for it.
-- KEYS[1] the partition's `meta`, ARGV[1] installation id
-- Returns 1 entered, 0 one was there
return redis.call('HSETNX', KEYS[1], 'epoch', ARGV[1])
