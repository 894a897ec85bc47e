-- Ends attempts. A late answer, whose token is not the job's any more, changes nothing.
-- ARGV from 3, 5 per job: id, token, verb (complete|again|retry|snooze|release|dead|hold), instant in ms or group, reason
-- Returns one flag per job: 1 applied, 0 refused
-- A job that went through a broken lane as its probe, and was finished, proves that the connection is well again.
local function end_probe(job, lanes, verb)
  redis.call('HDEL', job, 'probing')
  if verb ~= 'complete' and verb ~= 'again' then return end
  for lane in string.gmatch(lanes, '%S+') do
    redis.call('HDEL', P .. 'lane:' .. lane, 'broken', 'probe_at', 'probe_every')
  end
  end_waits('+inf')
end

local function settle(id, token, verb, argument, reason)
  local job = P .. 'job:' .. id
  local old = redis.call('HMGET', job, 'token', 'queue', 'lane', 'seq', 'probing')
  if old[1] ~= token then return 0 end
  local queue, lane, seq = old[2], old[3], old[4]
  redis.call('ZREM', P .. 'leases', id)
  redis.call('HDEL', job, 'token')
  count(queue, 'running', -1)
  if old[5] then end_probe(job, old[5], verb) end
  if verb == 'snooze' or verb == 'release' then redis.call('HINCRBY', job, 'attempt', -1) end
  local renewed = take_pending(job)
  if reason ~= '' then redis.call('HSET', job, 'reason', reason) end
  if verb == 'retry' or verb == 'snooze' then
    redis.call('HSET', job, 'state', 'scheduled', 'due', argument)
    if verb == 'snooze' then redis.call('HSET', job, 'floor', argument) end
    make_scheduled(id, queue, argument)
  elseif verb == 'release' then
    redis.call('HSET', job, 'state', 'ready')
    make_ready(id, queue, lane, seq)
  elseif verb == 'hold' then
    join_group(id, queue, argument, seq)
  elseif renewed then
    seq = next_seq()
    redis.call('HSET', job, 'state', 'ready', 'seq', seq)
    make_ready(id, queue, lane, seq)
  elseif verb == 'again' then
    redis.call('HSET', job, 'state', 'scheduled', 'due', argument, 'attempt', 0, 'deaths', 0, 'enqueued', now)
    redis.call('HDEL', job, 'floor')
    make_scheduled(id, queue, argument)
  elseif verb == 'dead' then
    redis.call('HSET', job, 'state', 'dead', 'finished', now)
    redis.call('ZADD', P .. 'dead:' .. queue, now, id)
    count(queue, 'dead', 1)
  else
    redis.call('HSET', job, 'state', 'done', 'finished', now)
    redis.call('HDEL', job, 'payload', 'due', 'floor')
    redis.call('ZADD', P .. 'finished', now, id)
  end
  return 1
end

local out = {}
for i = 3, #ARGV, 5 do
  out[#out + 1] = settle(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4])
end
return out
