-- Stores jobs, each by the rules of its mode against the job that already has its id. No id comes twice in one call.
-- ARGV[3] dedupe window in ms, ARGV[4] number of jobs, ARGV[5] number of lines, then 3 per line: queue, lane, its ancestors
--   (blank between), then 6 per job: number of its line, ref, id, trace, payload, details
--   details: '' for a job of mode `ignore` that is ready, or `i` (ignore) or `k` (keep_last), changed ms, due ms (0 = now) and
--   ref of its effect with blanks between, the group to hold it with, and the batch that it may be done in, each on its line
-- `enqueued` is one text per job: new | absorbed STATE | merged STATE | pending STATE | known STATE (of its effect); behind
--   what a job with the same id took, the trace of that job until now in hexadecimal digits, if it is a packed one
local WIDTH, window, total = 6, tonumber(ARGV[3]), tonumber(ARGV[4])
local FIRST = 6 + 3 * tonumber(ARGV[5])
from = FIRST + total * WIDTH
-- The caller takes jobs in the same script, so nobody is woken for what it takes.
local fetch_follows = #ARGV >= from

local refs, keys = {}, {}
for i = 1, total do
  refs[i] = ARGV[FIRST + 1 + (i - 1) * WIDTH]
  keys[i] = P .. 'job:' .. refs[i]
end
local found = redis.call('MGET', unpack(keys))
local ended = redis.call('ZMSCORE', P .. 'finished', unpack(refs))
local last_seq = redis.call('HINCRBY', P .. 'meta', 'seq', total)

-- Not before the instant of a snooze, whatever the news says.
local function bring_forward(job, due)
  local extra = job.extra
  local at = math.max(due, extra.floor or 0)
  if not extra.due or at >= extra.due then return end
  if job.state == 'held' then
    extra.due = at
  elseif job.state == 'scheduled' then
    redis.call('ZREM', P .. 'scheduled', job.ref)
    count(job.queue, 'scheduled', -1)
    if at > now then return make_scheduled(job, at) end
    extra.due, extra.floor = nil, nil
    make_ready(job)
  end
end

local function merge(job, news, length)
  if job.state == 'held' then
    job.enters = 'held:' .. job.extra.group
    weigh(job.enters, length, -1)
  end
  if news.changed >= job.changed then
    job.payload, job.trace, job.changed, job.attempt, job.deaths = news.payload, news.trace, news.changed, 0, 0
    job.extra.faults, job.extra.since = nil, now
  end
  bring_forward(job, news.due)
  save(job)
end

local function wait_for_end(job, token, flags, probes, news)
  local extra = job.extra
  if not extra.next_changed or news.changed >= extra.next_changed then
    extra.next_payload, extra.next_trace, extra.next_changed = news.payload, news.trace, news.changed
    save(job)
    if not string.find(flags, 'p') then flags = flags .. 'p' end
    redis.call('HSET', P .. 'running', job.ref, token .. ' ' .. flags .. ' ' .. probes)
  end
end

local PACKED_TRACE = 25

-- What a job took, and the story that it was part of before.
local function taken_by(job, how)
  if #job.trace ~= PACKED_TRACE then return how end
  local digits = string.gsub(job.trace, '.', function(byte) return string.format('%02x', string.byte(byte)) end)
  return how .. ' ' .. digits
end

-- What stands in the way of a new job; nil if nothing does.
local function stand_against(ref, raw, finished, mode, news)
  if not raw then
    if mode == 'i' and tonumber(finished) + window > now then return 'absorbed done' end
    redis.call('ZREM', P .. 'finished', ref)
    return nil
  end
  local job = decode(ref, raw)
  local token, flags, probes = running(ref)
  local state = token and 'running' or job.state
  local over = state == 'done' or state == 'dead' or state == 'cancelled'
  if mode == 'i' then
    local forgotten = state == 'done' and job.extra.finished + window <= now
    if not forgotten then return taken_by(job, 'absorbed ' .. state) end
  elseif token then
    wait_for_end(job, token, flags, probes, news)
    return taken_by(job, 'pending running')
  elseif not over then
    local taken = taken_by(job, 'merged ' .. state)
    merge(job, news, #raw)
    return taken
  end
  if state == 'dead' then
    redis.call('ZREM', P .. 'dead:' .. job.queue, ref)
    count(job.queue, 'dead', -1)
  end
  weigh(state == 'dead' and 'dead:' .. job.queue or 'finished', #raw, -1)
  redis.call('ZREM', P .. 'finished', ref)
  return nil
end

-- Where new jobs stand: the ready ones of a queue and lane get one push.
local lines, order, records = {}, {}, {}
for number = 1, tonumber(ARGV[5]) do
  local at = 3 + 3 * number
  lines[tostring(number)] = { queue = ARGV[at], lane = ARGV[at + 1], ancestors = ARGV[at + 2] }
end

local function stand_in_line(line, seq, ref)
  if not line.turn then
    line.turn = seq
    order[#order + 1] = line
  end
  line[#line + 1] = seq .. ref
end

local function place(job, line, due, group)
  if group ~= '' then
    know_lane(line.lane, line.ancestors)
    if due > now then job.extra.due = due end
    join_group(job, group)
  elseif due > now then
    know_lane(line.lane, line.ancestors)
    make_scheduled(job, due)
  else
    stand_in_line(line, job.seq, job.ref)
    enter_batch(job)
  end
end

-- A job that is not ready and nothing else, or one with an id that is known.
local function enqueue_seldom(index, at, line, seq)
  local mode, changed, due, effect, group, batch = 'i', 0, 0, '', '', ''
  if ARGV[at + 5] ~= '' then
    mode, changed, due, effect, group, batch =
      string.match(ARGV[at + 5], '^(%l) (-?%d+) (-?%d+) (%S*)\n([^\n]*)\n(.*)$')
  end
  changed, due = tonumber(changed), tonumber(due)
  if effect ~= '' then
    local known = effect_of(effect)
    if known == 'b' then return 'known baseline' elseif known == 'c' then return 'known confirmed' end
  end
  local job = { ref = refs[index], state = 'ready', id = ARGV[at + 2], queue = line.queue, lane = line.lane, seq = seq,
    enqueued = now, changed = changed, due = due, attempt = 0, deaths = 0, effect = effect, trace = ARGV[at + 3],
    payload = ARGV[at + 4], extra = {} }
  local conflict = (found[index] or ended[index]) and stand_against(job.ref, found[index], ended[index], mode, job)
  if conflict then return conflict end
  if batch ~= '' then job.extra.batch = batch end
  place(job, line, due, group)
  local raw = encode(job)
  if job.enters then weigh(job.enters, #raw, 1) end
  records[#records + 1], records[#records + 2] = keys[index], raw
  return 'new'
end

local function enqueue(index)
  local at = FIRST + (index - 1) * WIDTH
  local line, seq = lines[ARGV[at]], last_seq - total + index
  if ARGV[at + 5] ~= '' or found[index] or ended[index] then return enqueue_seldom(index, at, line, seq) end
  stand_in_line(line, seq, refs[index])
  local raw = cmsgpack.pack(nil, ARGV[at + 2], line.queue, line.lane, seq, now, ARGV[at + 3], ARGV[at + 4])
  records[#records + 1], records[#records + 2] = keys[index], raw
  return 'new'
end

enqueued = {}
for i = 1, total do enqueued[i] = enqueue(i) end
if #records > 0 then redis.call('MSET', unpack(records)) end
local woken = {}
for _, line in ipairs(order) do
  local queue, lane = line.queue, line.lane
  redis.call('RPUSH', P .. 'ready:' .. queue .. ':' .. lane, unpack(line))
  count(queue, 'ready', #line)
  age(queue, now, #line)
  -- A lane that is in the rotation already is known.
  local entered = redis.call('ZADD', P .. 'lanes:' .. queue, 'NX', line.turn, lane)
  if entered == 1 then know_lane(lane, line.ancestors) end
  if not fetch_follows and not woken[queue] then
    woken[queue] = true
    wake(queue)
  end
end
