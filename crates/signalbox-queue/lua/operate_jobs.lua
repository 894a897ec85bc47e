-- Does what a person says about jobs: each is moved if its state allows it, and left alone if not.
-- ARGV[3] verb: cancel (ready, scheduled, held -> cancelled) | hold (ready, scheduled -> held)
--   | release (held -> ready, or scheduled if its instant is still to come)
--   | anew (as release, and the intent of its effect is taken back: somebody looked, and nothing was done)
--   | revive (dead -> ready: attempts and age begin anew, its place in the lane is the old one)
-- ARGV[4] the group that holds it from now on (hold) or until now (release, anew), ARGV[5] reason, then the ids
-- Returns one text per job: missing | moved STATE | kept STATE, with the state in which it was found
local verb, group, reason = ARGV[3], ARGV[4], ARGV[5]

local FROM = {
  cancel = { ready = true, scheduled = true, held = true },
  hold = { ready = true, scheduled = true },
  release = { held = true },
  anew = { held = true },
  revive = { dead = true },
}

local function leave(id, old)
  if old.state == 'ready' then
    drop_ready(id, old.queue, old.lane)
  elseif old.state == 'scheduled' then
    redis.call('ZREM', P .. 'scheduled', id)
    count(old.queue, 'scheduled', -1)
  elseif old.state == 'held' then
    redis.call('ZREM', P .. 'held:' .. old.group, id)
    if redis.call('HINCRBY', P .. 'groups', old.group, -1) <= 0 then redis.call('HDEL', P .. 'groups', old.group) end
    count(old.queue, 'held', -1)
  else
    redis.call('ZREM', P .. 'dead:' .. old.queue, id)
    count(old.queue, 'dead', -1)
  end
end

local function arrive(id, job, old)
  if verb == 'cancel' then
    redis.call('HSET', job, 'state', 'cancelled', 'finished', now, 'reason', reason)
    redis.call('HDEL', job, 'payload', 'due', 'floor', 'group')
    redis.call('ZADD', P .. 'finished', now, id)
  elseif verb == 'hold' then
    redis.call('HSET', job, 'reason', reason)
    join_group(id, old.queue, group, old.seq)
  elseif verb == 'revive' then
    redis.call('HSET', job, 'state', 'ready', 'attempt', 0, 'deaths', 0, 'enqueued', now)
    redis.call('HDEL', job, 'finished', 'reason', 'due', 'floor')
    make_ready(id, old.queue, old.lane, old.seq)
  else
    if verb == 'anew' then forget_intent(old.effect) end
    go_on(id, old.queue, old.lane, old.seq)
  end
end

local function operate(id)
  local job = P .. 'job:' .. id
  local got = redis.call('HMGET', job, 'state', 'queue', 'lane', 'seq', 'group', 'effect')
  local old = { state = got[1], queue = got[2], lane = got[3], seq = got[4], group = got[5], effect = got[6] }
  if not old.state then return 'missing' end
  local elsewhere = (verb == 'release' or verb == 'anew') and old.group ~= group
  if not FROM[verb][old.state] or elsewhere then return 'kept ' .. old.state end
  leave(id, old)
  arrive(id, job, old)
  return 'moved ' .. old.state
end

local out = {}
for i = 6, #ARGV do out[#out + 1] = operate(ARGV[i]) end
return out
