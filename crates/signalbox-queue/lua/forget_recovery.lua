-- From now on the installation counts as one that began here. Runs without the prelude.
-- KEYS[1] the installation's hash
redis.call('HSET', KEYS[1], 'origin', 'fresh')
return 0
