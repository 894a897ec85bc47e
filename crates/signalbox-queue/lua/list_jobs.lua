-- One page of the jobs in one state, in an order that stays while others come and go:
--   ready by lane and held by group, each by place in the lane; running by id; the others by the instant they wait for
--   or ended at. A page costs what it looks at, and once the names of the lanes with ready jobs, of the groups, or of
--   the running jobs.
-- ARGV[3] state, ARGV[4] queue ('' for all; ready and dead need one), ARGV[5] most jobs, ARGV[6] most to look at
-- ARGV[7] lane, group or running id, ARGV[8] score and ARGV[9] id of the job after which the page begins, or '' for each
-- Returns { '1' if there may be more, then where to go on as ARGV[7], ARGV[8] and ARGV[9] take it,
--   then 9 per job: id, queue, lane, attempt, enqueued ms, due ms, finished ms, group, reason ('' for what it has not) }
local state, queue, most, look = ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
local from, score, last = ARGV[7], ARGV[8], ARGV[9]
local out, looked, taken = { '', '', '', '' }, 0, 0

local function parts()
  local names = { '' }
  if state == 'ready' then
    names = redis.call('ZRANGE', P .. 'lanes:' .. queue, 0, -1)
    for _, wait in ipairs(redis.call('ZRANGE', P .. 'waiting', 0, -1)) do
      local of, lane = string.match(wait, '^(%S+) (.+)$')
      if of == queue then names[#names + 1] = lane end
    end
  elseif state == 'held' then
    names = redis.call('HKEYS', P .. 'groups')
  elseif state == 'running' then
    names = redis.call('ZRANGE', P .. 'leases', 0, -1)
  end
  table.sort(names)
  return names
end

local INDEX = { scheduled = 'scheduled', dead = 'dead:' .. queue, done = 'finished', cancelled = 'finished' }
local function index_of(part)
  if state == 'ready' then return P .. 'ready:' .. queue .. ':' .. part end
  if state == 'held' then return P .. 'held:' .. part end
  return P .. INDEX[state]
end

-- Redis orders equal scores by bytes; Lua's own comparison goes by the server's locale.
local function comes_after(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x > y end
  end
  return #a > #b
end

-- The rank of the first entry after (score, last), which itself may be gone.
local function rank_after(key)
  local low, high = redis.call('ZCOUNT', key, '-inf', '(' .. score), redis.call('ZCOUNT', key, '-inf', score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    if comes_after(redis.call('ZRANGE', key, middle, middle)[1], last) then high = middle else low = middle + 1 end
  end
  return low
end

-- Returns true when the page is full.
local function take(part, id, at)
  local got = redis.call('HMGET', P .. 'job:' .. id, 'state', 'queue', 'lane', 'attempt', 'enqueued', 'due', 'finished',
    'group', 'reason')
  if got[1] == state and (queue == '' or got[2] == queue) then
    taken = taken + 1
    out[#out + 1] = id
    for i = 2, 9 do out[#out + 1] = got[i] or '' end
  end
  looked = looked + 1
  out[2], out[3], out[4] = part, at, id
  return taken >= most or looked >= look
end

local function read(part)
  if state == 'running' then return take(part, part, '0') end
  local key = index_of(part)
  local rank = part == from and last ~= '' and rank_after(key) or 0
  while true do
    local found = redis.call('ZRANGE', key, rank, rank + 99, 'WITHSCORES')
    for i = 1, #found, 2 do
      if take(part, found[i], found[i + 1]) then return true end
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
