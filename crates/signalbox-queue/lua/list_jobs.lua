-- One page of the jobs in one state, in an order that stays while others come and go:
--   ready by lane (first those that came back, then those that were new, then those set apart) and held by group, each
--   by place in the lane; running by ref; the others by the instant they wait for or ended at. A page costs what it looks
--   at, and once the names of the lanes with ready jobs, of the groups, or of the running jobs.
-- ARGV[3] state, ARGV[4] queue ('' for all; ready and dead need one), ARGV[5] most jobs, ARGV[6] most to look at
-- ARGV[7] line, group or running ref, ARGV[8] score and ARGV[9] ref of the job after which the page begins, or '' for each
-- Returns { '1' if there may be more, then where to go on as ARGV[7], ARGV[8] and ARGV[9] take it,
--   then 9 per job: id, queue, lane, attempt, enqueued ms, due ms, finished ms, group, reason ('' for what it has not) }
local state, queue, most, look = ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
local from, score, last = ARGV[7], ARGV[8], ARGV[9]
local out, looked, taken = { '', '', '', '' }, 0, 0

local function lines_of(lane, names)
  names[#names + 1] = 'again:' .. queue .. ':' .. lane
  names[#names + 1] = 'ready:' .. queue .. ':' .. lane
end

local function parts()
  local names = {}
  if state == 'ready' then
    for _, lane in ipairs(redis.call('ZRANGE', P .. 'lanes:' .. queue, 0, -1)) do lines_of(lane, names) end
    for _, wait in ipairs(redis.call('ZRANGE', P .. 'waiting', 0, -1)) do
      local of, lane = string.match(wait, '^(%S+) (.+)$')
      if of == queue then lines_of(lane, names) end
    end
    names[#names + 1] = 'suspects:' .. queue
  elseif state == 'held' then
    for _, group in ipairs(redis.call('HKEYS', P .. 'groups')) do names[#names + 1] = 'held:' .. group end
  elseif state == 'running' then
    names = redis.call('HKEYS', P .. 'running')
  elseif state == 'dead' then
    names = { 'dead:' .. queue }
  else
    names = { state == 'scheduled' and state or 'finished' }
  end
  table.sort(names)
  return names
end

-- Redis orders equal scores by bytes; Lua's own comparison goes by the server's locale.
local function comes_after(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x > y end
  end
  return #a > #b
end

-- Entries from a rank on, each as ref and score, whether the line is a list or a sorted set.
local function entries(key, is_list, rank, count_)
  if not is_list then return redis.call('ZRANGE', key, rank, rank + count_ - 1, 'WITHSCORES') end
  local found = {}
  for _, entry in ipairs(redis.call('LRANGE', key, rank, rank + count_ - 1)) do
    found[#found + 1] = string.sub(entry, -22)
    found[#found + 1] = string.sub(entry, 1, -23)
  end
  return found
end

-- The rank of the first entry after (score, last), which itself may be gone.
local function rank_after(key, is_list)
  local low, high = 0, is_list and redis.call('LLEN', key)
  if not is_list then
    low, high = redis.call('ZCOUNT', key, '-inf', '(' .. score), redis.call('ZCOUNT', key, '-inf', score)
  end
  while low < high do
    local middle = math.floor((low + high) / 2)
    local one = entries(key, is_list, middle, 1)
    local place, wanted = tonumber(one[2]), tonumber(score)
    if place > wanted or (place == wanted and comes_after(one[1], last)) then high = middle else low = middle + 1 end
  end
  return low
end

local function as_text(job)
  local extra = job.extra
  local function ms(instant) return instant and string.format('%d', instant) or '' end
  return { job.id, job.queue, job.lane, tostring(job.attempt), ms(job.enqueued), ms(extra.due), ms(extra.finished),
    extra.group or '', extra.reason or '' }
end

-- A list holds entries of jobs that have left it; what stands beside it is listed there.
local function belongs(job, is_list, at)
  local stands = running(job.ref) and 'running' or job.state
  if stands ~= state or (queue ~= '' and job.queue ~= queue) then return false end
  return not is_list or (not job.extra.moved and job.seq == tonumber(at))
end

-- Returns true when the page is full.
local function take(part, ref, at, is_list)
  local job = load(ref)
  if job and belongs(job, is_list, at) then
    taken = taken + 1
    if state == 'running' then job.attempt = job.attempt + 1 end
    for _, text in ipairs(as_text(job)) do out[#out + 1] = text end
  end
  looked = looked + 1
  out[2], out[3], out[4] = part, at, ref
  return taken >= most or looked >= look
end

local function read(part)
  if state == 'running' then return take(part, part, '0', false) end
  local key, is_list = P .. part, string.sub(part, 1, 6) == 'ready:'
  local rank = part == from and last ~= '' and rank_after(key, is_list) or 0
  while true do
    local found = entries(key, is_list, rank, 100)
    for i = 1, #found, 2 do
      if take(part, found[i], found[i + 1], is_list) then return true end
    end
    if #found == 0 then return false end
    rank = rank + #found / 2
  end
end

local before
for _, part in ipairs(parts()) do
  local passed = part == before or part < from or (state == 'running' and part == from)
  if not passed and read(part) then
    out[1] = '1'
    return out
  end
  before = part
end
return out
