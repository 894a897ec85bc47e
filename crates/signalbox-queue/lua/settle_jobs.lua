-- Ends attempts. A late answer, whose token is not the job's any more, changes nothing.
-- ARGV[3] queue, ARGV[4] number of jobs, then 4 per job: ref, token, end, enqueued ms
--   end: `complete`, or with line ends between: verb (complete|again|retry|defer|snooze|release|dead|hold), instant in ms or
--   group, reason. `retry` counts as the job's own fault, `defer` does not
-- `settled` is one flag per job: 1 applied, 0 refused
local WIDTH, queue, total = 4, ARGV[3], tonumber(ARGV[4])
local FIRST = 5
from = FIRST + total * WIDTH

-- A job that went through a broken lane as its probe, and was finished, proves that the connection is well again.
local function end_probe(lanes, verb)
  if verb ~= 'complete' and verb ~= 'again' then return end
  for lane in string.gmatch(lanes, '%S+') do
    local mended = redis.call('HDEL', P .. 'lane:' .. lane, 'broken', 'probe_at', 'probe_every') > 0
    if mended then redis.call('HSET', P .. 'lane:' .. lane, 'mended', now_text) end
  end
  end_waits('+inf')
end

local ended, erased, tombs = {}, {}, {}

-- Per minute and queue: what became of the attempts, and how long done jobs took from their enqueue, by powers of two.
local tallied, took, LONGEST = {}, {}, 22
local function tally(verb, enqueued)
  tallied[verb] = (tallied[verb] or 0) + 1
  if verb ~= 'complete' then return end
  local _, power = math.frexp(math.max(0, now - enqueued - 1))
  power = math.min(power, LONGEST)
  took[power] = (took[power] or 0) + 1
end

local function write_tallies()
  if not next(tallied) then return end
  local minute = string.format('%d', math.floor(now / 60000))
  for power, by in pairs(took) do tallied['le' .. string.format('%d', 2 ^ power)] = by end
  for name, by in pairs(tallied) do redis.call('HINCRBY', P .. 'minute:' .. minute, queue .. '|' .. name, by) end
  redis.call('ZADD', P .. 'minutes', minute, minute)
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
  if job.state ~= 'done' and job.state ~= 'dead' then job.extra.since = now end
  save(job)
end

local refs, gone = {}, {}
for i = 1, total do refs[i] = ARGV[FIRST + (i - 1) * WIDTH] end
local held = redis.call('HMGET', P .. 'running', unpack(refs))

local function settle_at(index)
  local at = FIRST + (index - 1) * WIDTH
  local ref, token, verb, argument, reason = refs[index], ARGV[at + 1], ARGV[at + 2], '', ''
  local flags, probes = '', ''
  if held[index] ~= token .. '  ' then
    local holder
    holder, flags, probes = parse_running(held[index])
    if holder ~= token then return 0 end
  end
  if gone[ref] then return 0 end
  gone[ref] = true
  ended[#ended + 1] = ref
  if verb ~= 'complete' then verb, argument, reason = string.match(verb, '^(%l+)\n([^\n]*)\n(.*)$') end
  tally(verb, tonumber(ARGV[at + 3]))
  if probes ~= '' then end_probe(probes, verb) end
  -- What is done without a word leaves nothing but the instant at which it ended.
  if verb == 'complete' and reason == '' and not string.find(flags, 'p') then
    erased[#erased + 1] = P .. 'job:' .. ref
    tombs[#tombs + 1], tombs[#tombs + 2] = now_text, ref
    return 1
  end
  local job = load(ref)
  if job then settle(job, verb, argument, reason) end
  return 1
end

settled = {}
for i = 1, total do settled[i] = settle_at(i) end
if #ended > 0 then
  count(queue, 'running', -#ended)
  redis.call('ZREM', P .. 'leases', unpack(ended))
  redis.call('HDEL', P .. 'running', unpack(ended))
end
if #erased > 0 then
  redis.call('DEL', unpack(erased))
  redis.call('ZADD', P .. 'finished', unpack(tombs))
end
write_tallies()
