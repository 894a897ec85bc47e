-- Leave to send one request now: the gates, windows and concurrency of a lane and its ancestors, in one step.
-- ARGV[3] ref of the job ('' for a job of another partition: it takes no place in the concurrency), [4] token, [5] name of the permit, [6] weight, then 2 per lane, the lowest first: lane, limits
--   limits: 'concurrency;amount/ms/unit,…' with concurrency 0 for none; the lane's own 'limits' field goes before it
-- Returns { 'granted', places taken in the concurrency of lanes, 1 if half of one's places are taken or else 0 } | { 'lost' } | { 'wait', instant in ms, lane, why }
local ref, token, permit, weight = ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
if ref ~= '' and running(ref) ~= token then return { 'lost' } end

-- A window is counted in slices; a slice counts as a whole until all of it is outside, so nothing is undercounted.
local SLICES = 16

local function used(key, span)
  local width = math.ceil(span / SLICES)
  local first = math.floor((now - span) / width)
  local sum, slices = 0, {}
  local all = redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    local slice, amount = tonumber(all[i]), tonumber(all[i + 1])
    if slice < first then
      redis.call('HDEL', key, all[i])
    else
      sum = sum + amount
      slices[#slices + 1] = { slice, amount }
    end
  end
  return sum, slices, width
end

-- The first instant at which enough of a full window is outside.
local function room_at(slices, width, span, excess)
  table.sort(slices, function(a, b) return a[1] < b[1] end)
  for _, slice in ipairs(slices) do
    excess = excess - slice[2]
    if excess <= 0 then return (slice[1] + 1) * width + span end
  end
  return now + span
end

local function holders(lane)
  local key, alive = P .. 'permits:' .. lane, 0
  for _, holder in ipairs(redis.call('SMEMBERS', key)) do
    local job, held_by = string.match(holder, '^(.-) (%x+) ')
    if running(job) == held_by then alive = alive + 1
    else redis.call('SREM', key, holder) end
  end
  return alive
end

local function limits_of(lane, given)
  local limits = redis.call('HGET', P .. 'lane:' .. lane, 'limits') or given
  local concurrency, windows = string.match(limits, '^(%d+);(.*)$')
  return tonumber(concurrency) or 0, windows or ''
end

local taken, scarce = {}, 0
local function refusal(lane, given)
  local got = redis.call('HMGET', P .. 'lane:' .. lane, 'until', 'paused')
  if (tonumber(got[1]) or 0) > now then return { 'wait', got[1], lane, 'its gate is closed' } end
  if got[2] then return { 'wait', tostring(now + 1000), lane, 'it is paused' } end
  local concurrency, windows = limits_of(lane, given)
  for amount, span in string.gmatch(windows, '(%d+)/(%d+)') do
    local key = P .. 'window:' .. lane .. ':' .. span
    local sum, slices, width = used(key, tonumber(span))
    -- A weight above the whole amount passes when the window is empty; it could never pass otherwise.
    local excess = sum + weight - tonumber(amount)
    if excess > 0 and sum > 0 then
      local at = room_at(slices, width, tonumber(span), excess)
      return { 'wait', string.format('%d', math.max(at, now + 1)), lane, amount .. '/' .. span .. 'ms is used up' }
    end
    taken[#taken + 1] = { key, math.floor(now / width), now + tonumber(span) + width }
  end
  if ref ~= '' and concurrency > 0 then
    local held = holders(lane)
    if held >= concurrency then
      return { 'wait', string.format('%d', now + 20), lane, concurrency .. ' requests are under way' }
    end
    if (held + 1) * 2 > concurrency then scarce = 1 end
  end
  return nil
end

for i = 7, #ARGV, 2 do
  local refused = refusal(ARGV[i], ARGV[i + 1])
  if refused then return refused end
end
for _, slice in ipairs(taken) do
  redis.call('HINCRBY', slice[1], slice[2], weight)
  redis.call('ZADD', P .. 'windows', slice[3], slice[1])
end
local places = 0
for i = 7, #ARGV, 2 do
  if ref ~= '' and limits_of(ARGV[i], ARGV[i + 1]) > 0 then
    places = places + redis.call('SADD', P .. 'permits:' .. ARGV[i], ref .. ' ' .. token .. ' ' .. permit)
  end
end
return { 'granted', tostring(places), tostring(scarce) }
