-- Takes back expired leases, makes due jobs ready, and leases ready jobs, one lane after the other.
-- ARGV[3] queue, ARGV[4] lease in ms, ARGV[5] most jobs, then a token for each
-- Returns { more (1|0), ms until this partition changes by itself (-1 = never),
--   then 7 per job: id, token, attempt, enqueued ms, lane, effect key, payload }
local queue, lease, most = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])

local function take_back_expired()
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 'leases', '-inf', now, 'LIMIT', 0, 200)) do
    local job = P .. 'job:' .. id
    redis.call('ZREM', P .. 'leases', id)
    local old = redis.call('HMGET', job, 'queue', 'lane', 'seq')
    if old[1] then
      redis.call('HDEL', job, 'token', 'probing')
      redis.call('HINCRBY', job, 'deaths', 1)
      redis.call('HSET', job, 'state', 'ready', 'reason', 'its worker did not renew the lease')
      take_pending(job)
      count(old[1], 'running', -1)
      make_ready(id, old[1], old[2], old[3])
    end
  end
end

local function promote_due()
  local due = redis.call('ZRANGEBYSCORE', P .. 'scheduled', '-inf', now, 'LIMIT', 0, 500)
  for _, id in ipairs(due) do
    local job = P .. 'job:' .. id
    local old = redis.call('HMGET', job, 'queue', 'lane', 'seq')
    redis.call('ZREM', P .. 'scheduled', id)
    if old[1] then
      redis.call('HSET', job, 'state', 'ready')
      redis.call('HDEL', job, 'due', 'floor')
      count(old[1], 'scheduled', -1)
      make_ready(id, old[1], old[2], old[3])
    end
  end
end

local out, leases, taken = { 0, -1 }, {}, 0

local function lease_one(id, lane)
  local job = P .. 'job:' .. id
  local got = redis.call('HMGET', job, 'payload', 'enqueued', 'effect')
  if not got[1] then return end
  local token = ARGV[6 + taken]
  taken = taken + 1
  redis.call('HSET', job, 'state', 'running', 'token', token)
  local attempt = redis.call('HINCRBY', job, 'attempt', 1)
  leases[#leases + 1], leases[#leases + 2] = now + lease, id
  for _, value in ipairs({ id, token, attempt, got[2], lane, got[3] or '', got[1] }) do out[#out + 1] = value end
end

-- The instant until which a lane is shut (nil if it is open), and the broken lane that this fetch may probe.
local seen = {}
local function shut_by(lane)
  if not seen[lane] then
    local got = redis.call('HMGET', P .. 'lane:' .. lane, 'ancestors', 'until', 'paused', 'probe_at')
    local probe = tonumber(got[4])
    local shut = tonumber(got[2]) or 0
    if got[3] then shut = math.huge end
    if probe and probe > now then shut = math.max(shut, probe) end
    seen[lane] = { ancestors = got[1] or '', shut = shut, probe = probe and probe <= now }
  end
  return seen[lane]
end

local function gate_of(lane)
  local own = shut_by(lane)
  local shut, probing = own.shut, own.probe and { lane } or {}
  for ancestor in string.gmatch(own.ancestors, '%S+') do
    local above = shut_by(ancestor)
    shut = math.max(shut, above.shut)
    if above.probe then probing[#probing + 1] = ancestor end
  end
  return shut > now and shut or nil, probing
end

local function wait_for(lane, instant)
  redis.call('ZREM', P .. 'lanes:' .. queue, lane)
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

local function serve(lane, share)
  local shut, probing = gate_of(lane)
  if shut then return wait_for(lane, shut) end
  if #probing > 0 then
    share = 1
    start_probe(probing)
  end
  local ready = P .. 'ready:' .. queue .. ':' .. lane
  local popped = redis.call('ZPOPMIN', ready, math.min(share, most - taken))
  for i = 1, #popped, 2 do
    lease_one(popped[i], lane)
    if #probing > 0 then redis.call('HSET', P .. 'job:' .. popped[i], 'probing', table.concat(probing, ' ')) end
  end
  count(queue, 'ready', -#popped / 2)
  if redis.call('EXISTS', ready) == 0 then
    redis.call('ZREM', P .. 'lanes:' .. queue, lane)
  else
    redis.call('ZADD', P .. 'lanes:' .. queue, redis.call('HINCRBY', P .. 'meta', 'turn', 1), lane)
  end
end

-- A lane that was served goes behind the others, so a long one does not starve a short one.
local function serve_lanes()
  local lanes = redis.call('ZRANGE', P .. 'lanes:' .. queue, 0, most - 1)
  if #lanes == 0 then return false end
  local share = math.ceil((most - taken) / #lanes)
  for _, lane in ipairs(lanes) do
    serve(lane, share)
    if taken >= most then return false end
  end
  return true
end

note_alive(lease)
take_back_expired()
promote_due()
end_waits(now)
while serve_lanes() do end

for i = 1, #leases, 1000 do
  redis.call('ZADD', P .. 'leases', unpack(leases, i, math.min(i + 999, #leases)))
end
if taken > 0 then count(queue, 'running', taken) end
if redis.call('EXISTS', P .. 'lanes:' .. queue) == 1 then
  out[1] = 1
  wake(queue)
end
for _, key in ipairs({ 'scheduled', 'leases', 'waiting' }) do
  local first = redis.call('ZRANGE', P .. key, 0, 0, 'WITHSCORES')[2]
  local wait = first and first ~= 'inf' and math.max(0, tonumber(first) - now)
  if wait and (out[2] == -1 or wait < out[2]) then out[2] = wait end
end
return out
