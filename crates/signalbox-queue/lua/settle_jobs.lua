-- Ends attempts. A late answer, whose token is not the job's any more, changes nothing.
-- ARGV[3] number of jobs, then 7 per job: ref, token, verb (complete|again|retry|defer|snooze|release|dead|hold), instant in ms or group,
--   reason, queue, enqueued ms. `retry` counts as the job's own fault, `defer` does not
-- `settled` is one flag per job: 1 applied, 0 refused
local WIDTH, total = 7, tonumber(ARGV[3])
from = 4 + total * WIDTH

-- A job that went through a broken lane as its probe, and was finished, proves that the connection is well again.
local function end_probe(lanes, verb)
  if verb ~= 'complete' and verb ~= 'again' then return end
  for lane in string.gmatch(lanes, '%S+') do
    redis.call('HDEL', P .. 'lane:' .. lane, 'broken', 'probe_at', 'probe_every')
  end
  end_waits('+inf')
end

local ended, erased, tombs = {}, {}, {}

-- Per minute and queue: what became of the attempts, and how long done jobs took from their enqueue.
local tallied = {}
local function tally(queue, verb, enqueued)
  add(tallied, queue, verb, 1)
  if verb ~= 'complete' then return end
  local took, bound = now - enqueued, 1
  while bound < took and bound < 4194304 do bound = bound * 2 end
  add(tallied, queue, bound, 1)
end

local function later(job, verb, argument)
  if verb ~= 'snooze' then job.attempt = job.attempt + 1 end
  if verb == 'retry' then job.extra.faults = (job.extra.faults or 0) + 1 end
  take_pending(job)
  if verb == 'snooze' then job.extra.floor = tonumber(argument) end
  make_scheduled(job, argument)
end

local function anew(job)
  job.seq = next_seq()
  make_ready(job)
end

local function next_round(job, argument)
  job.attempt, job.deaths, job.enqueued = 0, 0, now
  job.extra.floor, job.extra.faults, job.extra.deaths_alone = nil, nil, nil
  make_scheduled(job, argument)
end

local function settle(job, verb, argument, reason)
  local old = verb ~= 'retry' and verb ~= 'defer' and verb ~= 'snooze' and take_pending(job)
  if verb == 'release' then
    make_ready(job)
  elseif verb == 'hold' then
    job.attempt = job.attempt + (old and 0 or 1)
    join_group(job, argument)
  elseif verb == 'retry' or verb == 'defer' or verb == 'snooze' then
    later(job, verb, argument)
  elseif old then
    anew(job)
  elseif verb == 'again' then
    next_round(job, argument)
  elseif verb == 'dead' then
    job.attempt = job.attempt + 1
    make_dead(job)
  else
    job.attempt = job.attempt + 1
    make_finished(job, 'done', reason)
  end
  if reason ~= '' then job.extra.reason = reason end
  save(job)
end

local refs = {}
for i = 1, total do refs[i] = ARGV[4 + (i - 1) * WIDTH] end
local held = redis.call('HMGET', P .. 'running', unpack(refs))

local gone = {}

local function settle_at(index)
  local at = 4 + (index - 1) * WIDTH
  local ref, token, verb, reason, queue = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 4], ARGV[at + 5]
  local plain, flags, probes = token .. '  ', '', ''
  if held[index] ~= plain then
    local holder
    holder, flags, probes = parse_running(held[index])
    if holder ~= token then return 0 end
  end
  if gone[ref] then return 0 end
  gone[ref] = true
  ended[#ended + 1] = ref
  count(queue, 'running', -1)
  tally(queue, verb, tonumber(ARGV[at + 6]))
  if probes ~= '' then end_probe(probes, verb) end
  -- What is done without a word leaves nothing but the instant at which it ended.
  if verb == 'complete' and reason == '' and not string.find(flags, 'p') then
    erased[#erased + 1] = P .. 'job:' .. ref
    tombs[#tombs + 1], tombs[#tombs + 2] = now, ref
    return 1
  end
  local job = load(ref)
  if job then settle(job, verb, ARGV[at + 3], reason) end
  return 1
end

settled = {}
for i = 1, total do settled[i] = settle_at(i) end
if #ended > 0 then
  redis.call('ZREM', P .. 'leases', unpack(ended))
  redis.call('HDEL', P .. 'running', unpack(ended))
end
if #erased > 0 then
  redis.call('DEL', unpack(erased))
  redis.call('ZADD', P .. 'finished', unpack(tombs))
end
local minute = string.format('%d', math.floor(now / 60000))
for queue, names in pairs(tallied) do
  for name, by in pairs(names) do
    name = type(name) == 'number' and 'le' .. name or name
    redis.call('HINCRBY', P .. 'minute:' .. minute, queue .. '|' .. name, by)
  end
end
if next(tallied) then redis.call('ZADD', P .. 'minutes', minute, minute) end
