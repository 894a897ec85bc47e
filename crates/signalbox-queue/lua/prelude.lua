-- In front of every script that works on one partition.
-- KEYS[1] the partition's prefix: all keys made from it share one hash slot
-- ARGV[1] now in ms, or '' for the server's clock; ARGV[2] the installation that the caller knows
-- Returns the error EPOCH when Redis holds another installation or none: then nothing was written.
-- A job is named by its ref here, the 22 characters that its id hashes to; a script that writes ends with `finish`.
local P, now = KEYS[1], tonumber(ARGV[1])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
if redis.call('HGET', P .. 'meta', 'epoch') ~= ARGV[2] then
  return redis.error_reply('EPOCH the installation is not in this Redis')
end

-- A number becomes text for every command that it is handed to, which takes longer than most commands do. What goes to
-- many of them is made text once.
local function as_text(instant) return string.format('%d', instant) end
local now_text = as_text(now)

-- The first argument that is for the step itself. A step that another one follows in the same script moves it on.
local from = 3
-- What the steps answer.
local enqueued, settled, fetched

-- Counters are summed up here and written once per script.
local counted, aged, agains, weighed = {}, {}, 0, {}

-- Adds to the number under two names.
local function add(sums, first, second, by)
  local inner = sums[first]
  if not inner then
    inner = {}
    sums[first] = inner
  end
  inner[second] = (inner[second] or 0) + by
end

local function count(queue, state, by) add(counted, queue, state, by) end

-- Ready jobs by the second of their enqueue, so that the oldest is known without looking at any job.
-- Jobs of one second often come together.
local aging_queue, aging_second, aging_by
local function age(queue, enqueued, by)
  local second = math.floor(enqueued / 1000)
  if second == aging_second and queue == aging_queue then
    aging_by = aging_by + by
    return
  end
  if aging_by then add(aged, aging_queue, aging_second, aging_by) end
  aging_queue, aging_second, aging_by = queue, second, by
end

-- What the records of an index take, so that it is known without looking at any: their bytes, and for each about what
-- Redis needs for its key and its place. `by` is 1 for one that came and -1 for one that went.
local BESIDE = 256
local function weigh(index, length, by) weighed[index] = (weighed[index] or 0) + (length + BESIDE) * by end

local function write_age(queue, second, by)
  if by == 0 then return end
  local name = queue .. '|' .. second
  local left = redis.call('HINCRBY', P .. 'ages', name, by)
  if left <= 0 then
    redis.call('HDEL', P .. 'ages', name)
    redis.call('ZREM', P .. 'oldest:' .. queue, second)
  elseif left == by then
    redis.call('ZADD', P .. 'oldest:' .. queue, second, second)
  end
end

local function finish(answer)
  for queue, states in pairs(counted) do
    for state, by in pairs(states) do
      if by ~= 0 then redis.call('HINCRBY', P .. 'counts', queue .. '|' .. state, by) end
    end
  end
  if aging_by then add(aged, aging_queue, aging_second, aging_by) end
  for queue, seconds in pairs(aged) do
    for second, by in pairs(seconds) do write_age(queue, second, by) end
  end
  for index, by in pairs(weighed) do
    if by ~= 0 and redis.call('HINCRBY', P .. 'bytes', index, by) <= 0 then redis.call('HDEL', P .. 'bytes', index) end
  end
  if agains ~= 0 then redis.call('HINCRBY', P .. 'meta', 'agains', agains) end
  return answer
end

-- A job's record: one packed text. What few jobs have is in the table at its end, and most have no table. A state is
-- only written when it is not `ready`.
local SELDOM = { changed = 0, attempt = 0, deaths = 0, effect = '' }

local function decode(ref, raw)
  local state, id, queue, lane, seq, enqueued, trace, payload, extra = cmsgpack.unpack(raw)
  local job = { ref = ref, state = state or 'ready', id = id, queue = queue, lane = lane, seq = seq, enqueued = enqueued,
    trace = trace, payload = payload, extra = extra or {} }
  for name, usual in pairs(SELDOM) do
    job[name] = job.extra[name] or usual
    job.extra[name] = nil
  end
  return job
end

local function encode(job)
  local extra, state = job.extra, nil
  if job.state ~= 'ready' then state = job.state end
  for name, usual in pairs(SELDOM) do
    if job[name] ~= usual then extra[name] = job[name] end
  end
  if not next(extra) then
    return cmsgpack.pack(state, job.id, job.queue, job.lane, job.seq, job.enqueued, job.trace, job.payload)
  end
  local raw = cmsgpack.pack(state, job.id, job.queue, job.lane, job.seq, job.enqueued, job.trace, job.payload, extra)
  for name in pairs(SELDOM) do extra[name] = nil end
  return raw
end

-- The attempt that begins, and behind it since when the job has waited for it, if that is not since its enqueue.
local function told_attempt(extra, ended, enqueued)
  local attempt = (ended or 0) + 1
  if (extra.since or 0) <= enqueued then return attempt end
  return string.format('%d %d', attempt, extra.since)
end

local function load(ref)
  local raw = redis.call('GET', P .. 'job:' .. ref)
  return raw and decode(ref, raw)
end

local function save(job)
  local raw = encode(job)
  redis.call('SET', P .. 'job:' .. job.ref, raw)
  if job.enters then weigh(job.enters, #raw, 1) end
end

-- The token of a running job is beside its record, so that leasing a job does not write the record anew:
-- token, flags (p: newer news waits for its end, a: it runs alone), the lanes that it probes, with blanks between.
local function parse_running(held)
  if not held then return nil end
  return string.match(held, '^(%x+) (%l*) (.*)$')
end

local function running(ref) return parse_running(redis.call('HGET', P .. 'running', ref)) end

-- One token wakes one waiter; a waiter that leaves work behind puts the token back.
local function wake(queue)
  local key = P .. 'wake:' .. queue
  if redis.call('LLEN', key) == 0 then redis.call('LPUSH', key, 1) end
end

local function next_seq() return redis.call('HINCRBY', P .. 'meta', 'seq', 1) end

-- A lane that enters the rotation goes behind all that are in it: with a shared turn, names would decide.
local function enter_rotation(queue, lane)
  if redis.call('ZSCORE', P .. 'lanes:' .. queue, lane) then return end
  redis.call('ZADD', P .. 'lanes:' .. queue, next_seq(), lane)
end

-- The waiting jobs of a lane that may be done together, by place.
local function batch_key(queue, lane, batch) return P .. 'batch:' .. queue .. ':' .. lane .. ' ' .. batch end

local function enter_batch(job)
  local batch = job.extra.batch
  if batch then redis.call('ZADD', batch_key(job.queue, job.lane, batch), job.seq, job.ref) end
end

local function leave_batch(queue, lane, batch, ref)
  if batch then redis.call('ZREM', batch_key(queue, lane, batch), ref) end
end

-- New jobs stand in the lane's list. One that comes back stands beside it, by its old place, and goes first.
local function make_ready(job)
  job.state = 'ready'
  agains = agains + redis.call('ZADD', P .. 'again:' .. job.queue .. ':' .. job.lane, job.seq, job.ref)
  enter_batch(job)
  enter_rotation(job.queue, job.lane)
  count(job.queue, 'ready', 1)
  age(job.queue, job.enqueued, 1)
  wake(job.queue)
end

-- The list is not searched: an entry that is left behind is passed over, because its job says that it has moved.
local function drop_ready(job)
  local removed = redis.call('ZREM', P .. 'again:' .. job.queue .. ':' .. job.lane, job.ref)
  agains = agains - removed
  if removed == 0 and redis.call('ZREM', P .. 'suspects:' .. job.queue, job.ref) == 0 then job.extra.moved = 1 end
  leave_batch(job.queue, job.lane, job.extra.batch, job.ref)
  count(job.queue, 'ready', -1)
  age(job.queue, job.enqueued, -1)
end

-- A lane's ancestors are written down with its first job; they never change.
local function know_lane(lane, ancestors)
  if ancestors ~= '' then redis.call('HSETNX', P .. 'lane:' .. lane, 'ancestors', ancestors) end
end

local function has_ready(queue, lane)
  return redis.call('EXISTS', P .. 'ready:' .. queue .. ':' .. lane, P .. 'again:' .. queue .. ':' .. lane) > 0
end

-- Puts the lanes that wait for an instant up to `until_` back into the rotation; fetch looks at their gates again.
-- All of them: nothing would look for a lane that was shut without an instant and left behind here.
local function end_waits(until_)
  local ended = 0
  repeat
    local waits = redis.call('ZRANGEBYSCORE', P .. 'waiting', '-inf', until_, 'LIMIT', 0, 1000)
    for _, wait in ipairs(waits) do
      local queue, lane = string.match(wait, '^(%S+) (.+)$')
      redis.call('ZREM', P .. 'waiting', wait)
      if has_ready(queue, lane) then
        enter_rotation(queue, lane)
        wake(queue)
      end
    end
    ended = ended + #waits
  until #waits == 0
  return ended
end

-- A job that is due earlier than all others moves the instant for which the waiters sleep.
local function make_scheduled(job, due)
  job.state, job.extra.due = 'scheduled', tonumber(due)
  redis.call('ZADD', P .. 'scheduled', due, job.ref)
  count(job.queue, 'scheduled', 1)
  if redis.call('ZRANGE', P .. 'scheduled', 0, 0)[1] == job.ref then wake(job.queue) end
end

local function join_group(job, group)
  job.state, job.extra.group, job.enters = 'held', group, 'held:' .. group
  if redis.call('ZADD', P .. 'held:' .. group, job.seq, job.ref) == 1 then
    redis.call('HINCRBY', P .. 'groups', group, 1)
  end
  count(job.queue, 'held', 1)
end

-- A job that was held goes on: at its instant if that is still to come, else now.
local function go_on(job)
  local extra = job.extra
  extra.group, extra.reason = nil, nil
  if extra.due and extra.due > now then return make_scheduled(job, extra.due) end
  extra.due, extra.floor = nil, nil
  make_ready(job)
end

local function make_dead(job)
  job.state, job.extra.finished, job.enters = 'dead', now, 'dead:' .. job.queue
  redis.call('ZADD', P .. 'dead:' .. job.queue, now, job.ref)
  count(job.queue, 'dead', 1)
end

-- What is over keeps its record for a while, and absorbs the same news for longer.
local function make_finished(job, state, reason)
  local extra = { finished = now }
  if reason ~= '' then extra.reason = reason end
  job.state, job.payload, job.extra, job.enters = state, '', extra, 'finished'
  redis.call('ZADD', P .. 'finished', now, job.ref)
end

-- One entry of the ledger: a letter (i intended, c confirmed, b baseline), the instant in hexadecimal ms, a blank,
-- then the receipt of what was confirmed, or the ref and token of the attempt that intends.
local function effect_of(ref)
  local entry = redis.call('HGET', P .. 'ledger', ref)
  if not entry then return nil end
  local letter, at, rest = string.match(entry, '^(%l)(%x+) (.*)$')
  return letter, string.format('%d', tonumber(at, 16)), rest
end

local function enter_effect(ref, letter, rest)
  redis.call('HSET', P .. 'ledger', ref, letter .. string.format('%x', now) .. ' ' .. rest)
end

-- Somebody looked, and nothing was done: the effect may be declared again.
local function forget_intent(effect)
  if effect ~= '' and effect_of(effect) == 'i' then redis.call('HDEL', P .. 'ledger', effect) end
end

local function extend_leases(from, to, full)
  repeat
    local short = redis.call('ZRANGEBYSCORE', P .. 'leases', from, to, 'LIMIT', 0, 1000)
    for _, ref in ipairs(short) do redis.call('ZADD', P .. 'leases', full, ref) end
  until #short == 0
end

-- Notes that a worker is here. After a gap in which none was, every lease first gets one full period.
-- But only one: a lease that still ends where the last grace put it was not renewed since, so its worker is dead.
-- Noted now and then only: a fetch that finds nothing shall write nothing, because every write waits for the disk.
-- Returns how many ready jobs stand beside the lists.
local function note_alive(lease)
  local noted = redis.call('HMGET', P .. 'meta', 'alive', 'grace', 'agains')
  local gap = now - (tonumber(noted[1]) or now)
  if not noted[1] or math.abs(gap) > lease / 8 then redis.call('HSET', P .. 'meta', 'alive', now) end
  if gap > lease then
    local full, given = string.format('%d', now + lease), noted[2] or '0'
    redis.call('HSET', P .. 'meta', 'grace', full)
    extend_leases('-inf', '(' .. given, full)
    extend_leases('(' .. given, '(' .. full, full)
  end
  return tonumber(noted[3]) or 0
end

-- The newest payload that came while the job ran takes the place of the old one, as if just enqueued.
local function take_pending(job)
  local extra = job.extra
  if not extra.next_payload then return false end
  job.payload, job.trace, job.changed = extra.next_payload, extra.next_trace, extra.next_changed
  job.attempt, job.deaths, job.enqueued = 0, 0, now
  extra.next_payload, extra.next_trace, extra.next_changed = nil, nil, nil
  extra.reason, extra.faults, extra.deaths_alone = nil, nil, nil
  return true
end
