-- Lets waiting jobs of a batch join the attempt of a job of the same queue and lane: the first in line, under its token
-- and with its lease.
-- ARGV[3] ref of the job, [4] token, [5] batch, [6] most jobs, [7] deaths from which on a job runs alone
-- Returns { 1, or 0 if the lease has passed on or run out, then 10 per job that joins, as a fetch tells them: ref, id,
--   token, attempt, faults, deaths, enqueued ms, lane, trace, payload }
-- A lane that is shut or broken gives none, and a job that runs alone gets none.
local leader, token, batch, most, suspected = ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
local REF = 22

local holder, flags = running(leader)
local ends = redis.call('ZSCORE', P .. 'leases', leader)
local attempt = holder == token and ends and tonumber(ends) > now and load(leader)
if not attempt then return { 0 } end
local queue, lane = attempt.queue, attempt.lane
local shut, probing = gate_of(lane)
if shut or #probing > 0 or string.find(flags, 'a') then return { 1 } end

local jobs, by_ref = {}, {}

local function take_from_batch(n)
  local first = redis.call('ZPOPMIN', batch_key(queue, lane, batch), n)
  if #first == 0 then return false end
  local refs, keys = {}, {}
  for i = 1, #first, 2 do
    refs[#refs + 1] = first[i]
    keys[#keys + 1] = P .. 'job:' .. first[i]
  end
  local held = redis.call('HMGET', P .. 'running', unpack(refs))
  for i, raw in ipairs(redis.call('MGET', unpack(keys))) do
    local job = raw and decode(refs[i], raw)
    -- An earlier release that leases a job leaves it in its batch. One that its workers died with joins nobody.
    if job and not held[i] and job.state == 'ready' and job.deaths < suspected then
      jobs[#jobs + 1], by_ref[job.ref] = job, job
    end
  end
  return true
end

-- The head of the lane's list, where those that join mostly are, loses their entries. Returns whose.
local function leave_list()
  local list, left, gone = P .. 'ready:' .. queue .. ':' .. lane, {}, {}
  for _, entry in ipairs(redis.call('LPOP', list, #jobs) or {}) do
    local job = by_ref[string.sub(entry, -REF)]
    if job and job.seq == tonumber(string.sub(entry, 1, -REF - 1)) then
      -- What has moved stands elsewhere, and the entry was left behind.
      gone[job.ref] = not job.extra.moved
    else
      left[#left + 1] = entry
    end
  end
  for i = #left, 1, -1 do redis.call('LPUSH', list, left[i]) end
  return gone
end

-- A job further back in the list leaves an entry behind, which is passed over because the job says that it has moved.
local function leave_line()
  local gone = leave_list()
  for _, job in ipairs(jobs) do
    if not gone[job.ref] then
      local removed = redis.call('ZREM', P .. 'again:' .. queue .. ':' .. lane, job.ref)
      agains = agains - removed
      if removed == 0 and redis.call('ZREM', P .. 'suspects:' .. queue, job.ref) == 0 then
        job.extra.moved = 1
        save(job)
      end
    end
  end
end

while #jobs < most and take_from_batch(most - #jobs) do end
if #jobs == 0 then return { 1 } end
leave_line()

local out, leases, tokens = { 1 }, {}, {}
for i, job in ipairs(jobs) do
  leases[2 * i - 1], leases[2 * i] = ends, job.ref
  tokens[2 * i - 1], tokens[2 * i] = job.ref, token .. '  '
  age(queue, job.enqueued, -1)
  local attempt_told = told_attempt(job.extra, job.attempt, job.enqueued)
  local told = { job.ref, job.id, token, attempt_told, job.extra.faults or 0, job.deaths, job.enqueued, lane, job.trace,
    job.payload }
  for _, value in ipairs(told) do out[#out + 1] = value end
end
redis.call('ZADD', P .. 'leases', unpack(leases))
redis.call('HSET', P .. 'running', unpack(tokens))
count(queue, 'ready', -#jobs)
count(queue, 'running', #jobs)
return finish(out)
