-- Ends entries of the trail, the longest untouched first: those that are too old, and as many as are over the budget.
-- ARGV[3] at most so many, ARGV[4] last touched before this instant in ms, ARGV[5] the budget in bytes,
-- ARGV[6] bytes counted per key, ARGV[7] per item
-- Returns { how many were ended, how many of them were stories }
local most, before, budget = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local per_key, per_item = tonumber(ARGV[6]), tonumber(ARGV[7])
local held = tonumber(redis.call('GET', P .. 'trail_bytes') or '0')
local ended, stories, freed = 0, 0, 0

local function size(entry)
  local items
  if string.sub(entry, 1, 6) == 'steps:' then
    items = redis.call('LRANGE', P .. entry, 0, -1)
    stories = stories + 1
  else
    items = redis.call('ZRANGE', P .. entry, 0, -1)
  end
  local bytes = per_key
  for _, item in ipairs(items) do bytes = bytes + per_item + #item end
  return bytes
end

local function oldest()
  local entry, touched = unpack(redis.call('ZRANGE', P .. 'trail', 0, 0, 'WITHSCORES'))
  local over = entry and (tonumber(touched) < before or held - freed > budget)
  return over and entry
end

local entry = oldest()
while entry and ended < most do
  -- First what a full Redis allows: after it, it allows the rest.
  redis.call('ZREM', P .. 'trail', entry)
  freed = freed + size(entry)
  redis.call('DEL', P .. entry)
  ended = ended + 1
  entry = oldest()
end
if ended > 0 then redis.call('DECRBY', P .. 'trail_bytes', freed) end
return { ended, stories }
