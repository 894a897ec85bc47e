-- Stores jobs, each by the rules of its mode against the job that already has its id. No id comes twice in one call.
-- ARGV[3] dedupe window in ms, ARGV[4] number of jobs, ARGV[5] the batches that they may be done in as a JSON list with ''
--   for none, or '' if no job has one, then 12 per job: ref, id, queue, lane, its ancestors (blank between),
--   mode (ignore|keep_last), changed ms, due ms (0 = now), ref of its effect or '', group to hold it with or '', trace, payload
-- `enqueued` is one text per job: new | absorbed STATE | merged STATE | pending | known STATE (of its effect)
local WIDTH, window, total = 12, tonumber(ARGV[3]), tonumber(ARGV[4])
from = 6 + total * WIDTH
local batches = ARGV[5] ~= '' and cjson.decode(ARGV[5])
-- The caller takes jobs in the same script, so nobody is woken for what it takes.
local fetch_follows = #ARGV >= from

local refs, keys = {}, {}
for i = 1, total do
  refs[i] = ARGV[6 + (i - 1) * WIDTH]
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
  local state = job.state
  if state == 'held' then
    job.enters = 'held:' .. job.extra.group
    weigh(job.enters, length, -1)
  end
  if news.changed >= job.changed then
    job.payload, job.trace, job.changed, job.attempt, job.deaths = news.payload, news.trace, news.changed, 0, 0
    job.extra.faults = nil
  end
  bring_forward(job, news.due)
  save(job)
  return 'merged ' .. state
end

local function wait_for_end(job, token, flags, probes, news)
  local extra = job.extra
  if not extra.next_changed or news.changed >= extra.next_changed then
    extra.next_payload, extra.next_trace, extra.next_changed = news.payload, news.trace, news.changed
    save(job)
    if not string.find(flags, 'p') then flags = flags .. 'p' end
    redis.call('HSET', P .. 'running', job.ref, token .. ' ' .. flags .. ' ' .. probes)
  end
  return 'pending'
end

-- What stands in the way of a new job; nil if nothing does.
local function stand_against(ref, raw, finished, mode, news)
  if not raw then
    if mode == 'ignore' and tonumber(finished) + window > now then return 'absorbed done' end
    redis.call('ZREM', P .. 'finished', ref)
    return nil
  end
  local job = decode(ref, raw)
  local token, flags, probes = running(ref)
  local state = token and 'running' or job.state
  local over = state == 'done' or state == 'dead' or state == 'cancelled'
  if mode == 'ignore' then
    local forgotten = state == 'done' and job.extra.finished + window <= now
    if not forgotten then return 'absorbed ' .. state end
  elseif token then
    return wait_for_end(job, token, flags, probes, news)
  elseif not over then
    return merge(job, news, #raw)
  end
  if state == 'dead' then
    redis.call('ZREM', P .. 'dead:' .. job.queue, ref)
    count(job.queue, 'dead', -1)
  end
  weigh(state == 'dead' and 'dead:' .. job.queue or 'finished', #raw, -1)
  redis.call('ZREM', P .. 'finished', ref)
  return nil
end

-- New ready jobs by queue and lane, for one push each.
local fresh, order, records = {}, {}, {}

local function stand_in_line(job, ancestors)
  local name = job.queue .. ' ' .. job.lane
  local line = fresh[name]
  if not line then
    line = { queue = job.queue, lane = job.lane, ancestors = ancestors, turn = job.seq }
    fresh[name] = line
    order[#order + 1] = line
  end
  line[#line + 1] = job.seq .. job.ref
  enter_batch(job)
  count(job.queue, 'ready', 1)
  age(job.queue, now, 1)
end

local function enqueue(index)
  local at = 6 + (index - 1) * WIDTH
  local queue, lane, ancestors, mode = ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5]
  local changed, due, effect, group = tonumber(ARGV[at + 6]), tonumber(ARGV[at + 7]), ARGV[at + 8], ARGV[at + 9]
  if effect ~= '' then
    local known = effect_of(effect)
    if known == 'b' then return 'known baseline' elseif known == 'c' then return 'known confirmed' end
  end
  local ref = refs[index]
  local job = { ref = ref, state = 'ready', id = ARGV[at + 1], queue = queue, lane = lane, seq = last_seq - total + index,
    enqueued = now, changed = changed, due = due, attempt = 0, deaths = 0, effect = effect, trace = ARGV[at + 10],
    payload = ARGV[at + 11], extra = {} }
  local conflict = (found[index] or ended[index]) and stand_against(ref, found[index], ended[index], mode, job)
  if conflict then return conflict end
  if batches and batches[index] ~= '' then job.extra.batch = batches[index] end
  if group ~= '' then
    know_lane(lane, ancestors)
    if due > now then job.extra.due = due end
    join_group(job, group)
  elseif due > now then
    know_lane(lane, ancestors)
    make_scheduled(job, due)
  else
    stand_in_line(job, ancestors)
  end
  local raw = encode(job)
  if job.enters then weigh(job.enters, #raw, 1) end
  records[#records + 1], records[#records + 2] = P .. 'job:' .. ref, raw
  return 'new'
end

enqueued = {}
for i = 1, total do enqueued[i] = enqueue(i) end
if #records > 0 then redis.call('MSET', unpack(records)) end
local woken = {}
for _, line in ipairs(order) do
  redis.call('RPUSH', P .. 'ready:' .. line.queue .. ':' .. line.lane, unpack(line))
  -- A lane that is in the rotation already is known.
  local entered = redis.call('ZADD', P .. 'lanes:' .. line.queue, 'NX', line.turn, line.lane)
  if entered == 1 then know_lane(line.lane, line.ancestors) end
  if not fetch_follows and not woken[line.queue] then
    woken[line.queue] = true
    wake(line.queue)
  end
end
