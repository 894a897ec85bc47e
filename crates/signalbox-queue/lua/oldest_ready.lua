-- For how long the oldest ready job of a queue has been waiting. Looks at the first job of each lane that has any.
-- ARGV[3] queue
-- Returns ms, or -1 if none is ready
local queue, oldest, first = ARGV[3], nil, nil

local function look(lane)
  local found = redis.call('ZRANGE', P .. 'ready:' .. queue .. ':' .. lane, 0, 0, 'WITHSCORES')
  local seq = tonumber(found[2])
  if seq and (not first or seq < first) then oldest, first = found[1], seq end
end

for _, lane in ipairs(redis.call('ZRANGE', P .. 'lanes:' .. queue, 0, -1)) do look(lane) end
for _, wait in ipairs(redis.call('ZRANGE', P .. 'waiting', 0, -1)) do
  local of, lane = string.match(wait, '^(%S+) (.+)$')
  if of == queue then look(lane) end
end
if not oldest then return -1 end
return math.max(0, now - tonumber(redis.call('HGET', P .. 'job:' .. oldest, 'enqueued') or now))
