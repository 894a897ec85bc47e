-- Does what a person says about jobs: each is moved if its state allows it, and left alone if not.
-- ARGV[3] verb: cancel (ready, scheduled, held -> cancelled) | hold (ready, scheduled -> held)
--   | release (held -> ready, or scheduled if its instant is still to come)
--   | anew (as release, and the intent of its effect is taken back: somebody looked, and nothing was done)
--   | revive (dead -> ready: attempts and age begin anew, its place in the lane is the old one)
-- ARGV[4] the group that holds it from now on (hold) or until now (release, anew), ARGV[5] reason, then the refs
-- Returns one text per job: missing | moved STATE | kept STATE, with the state in which it was found
local verb, group, reason = ARGV[3], ARGV[4], ARGV[5]

local FROM = {
  cancel = { ready = true, scheduled = true, held = true },
  hold = { ready = true, scheduled = true },
  release = { held = true },
  anew = { held = true },
  revive = { dead = true },
}

local function leave(job)
  if job.state == 'ready' then
    drop_ready(job)
  elseif job.state == 'scheduled' then
    redis.call('ZREM', P .. 'scheduled', job.ref)
    count(job.queue, 'scheduled', -1)
  elseif job.state == 'held' then
    local held_with = job.extra.group
    redis.call('ZREM', P .. 'held:' .. held_with, job.ref)
    if redis.call('HINCRBY', P .. 'groups', held_with, -1) <= 0 then redis.call('HDEL', P .. 'groups', held_with) end
    count(job.queue, 'held', -1)
    weigh('held:' .. held_with, redis.call('STRLEN', P .. 'job:' .. job.ref), -1)
  else
    redis.call('ZREM', P .. 'dead:' .. job.queue, job.ref)
    count(job.queue, 'dead', -1)
    weigh('dead:' .. job.queue, redis.call('STRLEN', P .. 'job:' .. job.ref), -1)
  end
end

local function revive(job)
  local extra = job.extra
  job.attempt, job.deaths, job.enqueued = 0, 0, now
  extra.finished, extra.reason, extra.due, extra.floor, extra.faults, extra.deaths_alone = nil, nil, nil, nil, nil, nil
  make_ready(job)
end

local function arrive(job)
  if verb == 'cancel' then
    make_finished(job, 'cancelled', reason)
  elseif verb == 'hold' then
    job.extra.reason = reason
    join_group(job, group)
  elseif verb == 'revive' then
    revive(job)
  else
    if verb == 'anew' then forget_intent(job.effect) end
    go_on(job)
  end
end

local function operate(ref)
  local job = load(ref)
  if not job then return redis.call('ZSCORE', P .. 'finished', ref) and 'kept done' or 'missing' end
  local state = running(ref) and 'running' or job.state
  local elsewhere = (verb == 'release' or verb == 'anew') and job.extra.group ~= group
  if not FROM[verb][state] or elsewhere then return 'kept ' .. state end
  leave(job)
  arrive(job)
  save(job)
  return 'moved ' .. state
end

local out = {}
for i = 6, #ARGV do out[#out + 1] = operate(ARGV[i]) end
return finish(out)
