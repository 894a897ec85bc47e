-- Shuts or opens a lane, for all workers at once.
-- ARGV[3] lane, [4] verb: close (argument: instant in ms, reason), open, pause (reason), resume,
--   break (argument: instant of the first probe, reason as JSON, ms between probes), mend, limit (argument: limits)
-- ARGV[5] argument, ARGV[6] reason, ARGV[7] ms between probes
-- Returns how many lanes were put back into the rotation
local lane, verb, argument, reason = P .. 'lane:' .. ARGV[3], ARGV[4], ARGV[5], ARGV[6]
if verb == 'close' then
  -- A later instant wins: the upstream said so, and an earlier answer does not take it back.
  if tonumber(argument) > (tonumber(redis.call('HGET', lane, 'until')) or 0) then
    redis.call('HSET', lane, 'until', argument, 'reason', reason)
  end
  redis.call('ZADD', P .. 'gates', now, ARGV[3])
  return 0
elseif verb == 'pause' then
  redis.call('HSET', lane, 'paused', 1, 'paused_for', reason)
  redis.call('ZADD', P .. 'gates', now, ARGV[3])
  return 0
elseif verb == 'break' then
  redis.call('HSET', lane, 'broken', reason, 'probe_at', argument, 'probe_every', ARGV[7])
  redis.call('ZADD', P .. 'gates', now, ARGV[3])
  -- Lanes that sleep until a later probe look again: this one may be earlier.
elseif verb == 'limit' then
  redis.call('ZADD', P .. 'gates', now, ARGV[3])
  if argument == '' then redis.call('HDEL', lane, 'limits') else redis.call('HSET', lane, 'limits', argument) end
elseif verb == 'open' then
  redis.call('HDEL', lane, 'until', 'reason')
elseif verb == 'resume' then
  redis.call('HDEL', lane, 'paused', 'paused_for')
elseif verb == 'mend' then
  if redis.call('HDEL', lane, 'broken', 'probe_at', 'probe_every') > 0 then redis.call('HSET', lane, 'mended', now_text) end
end
return end_waits('+inf')
