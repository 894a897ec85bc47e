-- Takes back expired leases, makes due jobs ready, and leases ready jobs, one lane after the other.
-- ARGV from `from`: queue, lease in ms, most jobs,
--   deaths from which on a job runs alone, deaths alone that make it dead,
--   1 if the caller has nothing else in hand, then a token for each job
-- `fetched` is { more (1|0), ms until this partition changes by itself (-1 = never), jobs that must run alone,
--   then 10 per job: ref, id, token, attempt (`ATTEMPT MS` if it has waited since that instant, not since it was
--   enqueued), faults, deaths, enqueued ms, lane, trace, payload,
--   then, only if it made jobs dead, a list of 4 per job: id, queue, reason, payload }
local queue, lease, most = ARGV[from], tonumber(ARGV[from + 1]), tonumber(ARGV[from + 2])
local suspected, fatal, alone = tonumber(ARGV[from + 3]), tonumber(ARGV[from + 4]), ARGV[from + 5] == '1'
local TOKENS, REF = from + 6, 22
-- A step behind another one is not taken by the fetcher, which sleeps on the bell and runs suspects.
local by_fetcher, waits_began = not (enqueued or settled), false
local buried = {}

-- A job whose worker died while it ran alone has no other job to blame. A worker can be killed from outside too, so
-- once is not proof enough.
local function end_lost(job, flags)
  local extra = job.extra
  count(job.queue, 'running', -1)
  job.attempt, job.deaths = job.attempt + 1, job.deaths + 1
  extra.reason = 'its worker did not renew the lease'
  if string.find(flags or '', 'a') then extra.deaths_alone = (extra.deaths_alone or 0) + 1 end
  if not take_pending(job) and (extra.deaths_alone or 0) >= fatal then
    extra.reason = 'its worker died ' .. extra.deaths_alone .. ' times while it ran alone, ' .. job.deaths .. ' times in all'
    make_dead(job)
    for _, value in ipairs({ job.id, job.queue, extra.reason, job.payload }) do buried[#buried + 1] = value end
  else
    extra.since = now
    make_ready(job)
  end
  save(job)
end

local function take_back_expired()
  for _, ref in ipairs(redis.call('ZRANGEBYSCORE', P .. 'leases', '-inf', now, 'LIMIT', 0, 200)) do
    local _, flags = running(ref)
    redis.call('ZREM', P .. 'leases', ref)
    redis.call('HDEL', P .. 'running', ref)
    local job = load(ref)
    if job then end_lost(job, flags) end
  end
end

local function promote_due()
  for _, ref in ipairs(redis.call('ZRANGEBYSCORE', P .. 'scheduled', '-inf', now, 'LIMIT', 0, 500)) do
    redis.call('ZREM', P .. 'scheduled', ref)
    local job = load(ref)
    if job then
      count(job.queue, 'scheduled', -1)
      job.extra.due, job.extra.floor = nil, nil
      make_ready(job)
      save(job)
    end
  end
end

local function wait_for(lane, instant)
  waits_began = true
  redis.call('ZADD', P .. 'waiting', instant == math.huge and '+inf' or instant, queue .. ' ' .. lane)
end

-- A broken lane lets one job through at its probe; the next comes with the next probe, or after it is mended.
local function start_probe(probing)
  for _, lane in ipairs(probing) do
    local every = tonumber(redis.call('HGET', P .. 'lane:' .. lane, 'probe_every'))
    redis.call('HSET', P .. 'lane:' .. lane, 'probe_at', now + every)
    seen[lane] = nil
  end
end

local again = {}

-- Both lines of a lane are in the order of the places; this takes the first of the two together.
local function take_in_order(lane, ready, n)
  local beside = P .. 'again:' .. queue .. ':' .. lane
  local first = redis.call('ZRANGE', beside, 0, n - 1, 'WITHSCORES')
  if #first == 0 then return ready end
  local taken, r, f = {}, 1, 1
  while #taken < n and (ready[r] or first[f]) do
    local place = ready[r] and tonumber(string.sub(ready[r], 1, -REF - 1))
    if first[f] and (not place or tonumber(first[f + 1]) < place) then
      taken[#taken + 1] = first[f + 1] .. first[f]
      again[first[f]] = true
      f = f + 2
    else
      taken[#taken + 1] = ready[r]
      r = r + 1
    end
  end
  for i = #ready, r, -1 do redis.call('LPUSH', P .. 'ready:' .. queue .. ':' .. lane, ready[i]) end
  if f > 1 then agains = agains - redis.call('ZREMRANGEBYRANK', beside, 0, (f - 1) / 2 - 1) end
  return taken
end

-- Up to n entries from the head of a lane, and whether there may be more behind them.
local beside_lists, is_only_lane
local function pop(lane, n)
  local ready = redis.call('LPOP', P .. 'ready:' .. queue .. ':' .. lane, n) or {}
  if beside_lists + agains <= 0 then
    -- An empty lane among others is found out in its next turn; a single one would wake somebody for nothing.
    local more = #ready == n
    return ready, more and (not is_only_lane or redis.call('EXISTS', P .. 'ready:' .. queue .. ':' .. lane) == 1)
  end
  return take_in_order(lane, ready, n), has_ready(queue, lane)
end

local out, leases, tokens, taken, leased = { 0, -1, 0 }, {}, {}, 0, {}
local lease_ends = as_text(now + lease)
local size = #out

-- What follows `probing` is the job's record, unpacked.
local function lease_one(ref, flags, probing, _, id, _, lane, _, enqueued, trace, payload, extra)
  local token = ARGV[TOKENS + taken]
  taken = taken + 1
  leased[ref] = true
  leases[2 * taken - 1], leases[2 * taken] = lease_ends, ref
  tokens[2 * taken - 1], tokens[2 * taken] = ref, token .. ' ' .. flags .. ' ' .. probing
  age(queue, enqueued, -1)
  local attempt, faults, deaths = 1, 0, 0
  if extra then
    attempt, faults, deaths = told_attempt(extra, extra.attempt, enqueued), extra.faults or 0, extra.deaths or 0
    leave_batch(queue, lane, extra.batch, ref)
  end
  out[size + 1], out[size + 2], out[size + 3], out[size + 4], out[size + 5] = ref, id, token, attempt, faults
  out[size + 6], out[size + 7], out[size + 8], out[size + 9], out[size + 10] = deaths, enqueued, lane, trace, payload
  size = size + 10
end

-- An entry that its job does not stand by any more is passed over.
local function lease_if_it_stands(ref, place, probing, state, id, of_queue, lane, seq, enqueued, trace, payload, extra)
  if state or leased[ref] then return end
  if not again[ref] and (seq ~= place or (extra and extra.moved)) then return end
  if extra and (extra.deaths or 0) >= suspected then
    -- A job that its workers died with waits until one has nothing else to lose.
    return redis.call('ZADD', P .. 'suspects:' .. queue, place, ref)
  end
  lease_one(ref, '', probing, state, id, of_queue, lane, seq, enqueued, trace, payload, extra)
end

local function lease_entries(entries, probing)
  if #entries == 0 then return end
  local keys, refs, job = {}, {}, P .. 'job:'
  for i, entry in ipairs(entries) do
    refs[i] = string.sub(entry, -REF)
    keys[i] = job .. refs[i]
  end
  local records = redis.call('MGET', unpack(keys))
  for i, entry in ipairs(entries) do
    if records[i] then
      local place = tonumber(string.sub(entry, 1, -REF - 1))
      lease_if_it_stands(refs[i], place, probing, cmsgpack.unpack(records[i]))
    end
  end
end

-- A lane that is probed gives one job, however many entries have to be passed over to find it.
local function probe(lane, probing)
  local before, more = taken, true
  while more and taken == before do
    local entries
    entries, more = pop(lane, 1)
    lease_entries(entries, table.concat(probing, ' '))
  end
  if taken > before then start_probe(probing) end
  return {}, more
end

-- Returns the entries that it took and whether the lane stays in the rotation.
local function serve(lane, share)
  local shut, probing = gate_of(lane)
  if shut then
    wait_for(lane, shut)
    return {}, false
  end
  if #probing > 0 then return probe(lane, probing) end
  return pop(lane, share)
end

-- Jobs that a lane gives in its turn while others wait for theirs. Each lane costs about what two jobs cost.
local QUANTUM = 4

-- A lane that was served goes behind the others, so a long one does not starve a short one.
local function serve_lanes()
  local room = most - taken
  local lanes = redis.call('ZRANGE', P .. 'lanes:' .. queue, 0, math.ceil(room / QUANTUM) - 1)
  if #lanes == 0 then return false end
  local share, entries, stay, leave = math.ceil(room / #lanes), {}, {}, {}
  is_only_lane = #lanes == 1
  for _, lane in ipairs(lanes) do
    -- A lane that is probed has leased its job by now.
    local room_left = most - taken - #entries
    if room_left <= 0 then break end
    local popped, more = serve(lane, math.min(share, room_left))
    for _, entry in ipairs(popped) do entries[#entries + 1] = entry end
    if more then stay[#stay + 1] = lane else leave[#leave + 1] = lane end
  end
  lease_entries(entries, '')
  if #leave > 0 then redis.call('ZREM', P .. 'lanes:' .. queue, unpack(leave)) end
  if #stay > 0 then
    local turn, turns = redis.call('HINCRBY', P .. 'meta', 'seq', #stay) - #stay, {}
    for i, lane in ipairs(stay) do turns[2 * i - 1], turns[2 * i] = turn + i, lane end
    redis.call('ZADD', P .. 'lanes:' .. queue, unpack(turns))
  end
  return taken < most
end

local function lease_suspect()
  for _, ref in ipairs(redis.call('ZRANGE', P .. 'suspects:' .. queue, 0, -1)) do
    local raw = redis.call('GET', P .. 'job:' .. ref)
    local shut, probing = gate_of(raw and decode(ref, raw).lane or '')
    if raw and not shut and #probing == 0 then
      redis.call('ZREM', P .. 'suspects:' .. queue, ref)
      redis.call('HDEL', P .. 'meta', 'isolating')
      return lease_one(ref, 'a', '', cmsgpack.unpack(raw))
    end
  end
end

-- How many jobs wait for a worker that has nothing else in hand. One worker at a time is told, so that not all stop.
local function tell_suspects()
  local waiting = redis.call('ZCARD', P .. 'suspects:' .. queue)
  if waiting == 0 or not by_fetcher then return waiting end
  if (tonumber(redis.call('HGET', P .. 'meta', 'isolating')) or 0) > now then return 0 end
  redis.call('HSET', P .. 'meta', 'isolating', now + lease)
  return waiting
end

beside_lists = note_alive(lease)
take_back_expired()
promote_due()
end_waits(now)
if alone then lease_suspect() end
if taken == 0 then
  while serve_lanes() do end
end

if taken > 0 then
  for i = 1, #leases, 1000 do
    redis.call('ZADD', P .. 'leases', unpack(leases, i, math.min(i + 999, #leases)))
    redis.call('HSET', P .. 'running', unpack(tokens, i, math.min(i + 999, #tokens)))
  end
  count(queue, 'ready', -taken)
  count(queue, 'running', taken)
end
if redis.call('EXISTS', P .. 'lanes:' .. queue) == 1 then
  out[1] = 1
  wake(queue)
elseif waits_began and not by_fetcher then
  wake(queue)
end
out[3] = tell_suspects()
for _, key in ipairs({ 'scheduled', 'leases', 'waiting' }) do
  local first = redis.call('ZRANGE', P .. key, 0, 0, 'WITHSCORES')[2]
  local wait = first and first ~= 'inf' and math.max(0, tonumber(first) - now)
  if wait and (out[2] == -1 or wait < out[2]) then out[2] = wait end
end
if #buried > 0 then out[size + 1] = buried end
fetched = out
