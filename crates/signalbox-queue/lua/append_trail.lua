-- Appends steps to stories, and stories to the names that they go by.
-- ARGV[3] steps kept of one story, ARGV[4] stories kept of one name, ARGV[5] bytes counted per key, ARGV[6] per item;
-- then 4 per entry: kind (steps|told), ref, instant in ms, text: the step as JSON, or the ref of the story that is told
-- Returns nothing of interest; the oldest steps of a long story and the oldest stories of a common name make room
local most_steps, most_stories = tonumber(ARGV[3]), tonumber(ARGV[4])
local per_key, per_item = tonumber(ARGV[5]), tonumber(ARGV[6])
local grown = 0

local function touch(entry, at)
  -- GT: the writers of two processes do not take turns, and the later step counts.
  if redis.call('ZADD', P .. 'trail', 'GT', at, entry) == 1 then grown = grown + per_key end
end

local function add_step(entry, step)
  local length = redis.call('RPUSH', P .. entry, step)
  grown = grown + per_item + #step
  for _ = most_steps + 1, length do
    grown = grown - per_item - #redis.call('LPOP', P .. entry)
  end
end

local function add_story(entry, at, story)
  local added = redis.call('ZADD', P .. entry, 'GT', at, story)
  if added == 0 then return end
  grown = grown + per_item + #story
  local excess = redis.call('ZCARD', P .. entry) - most_stories
  if excess > 0 then
    redis.call('ZREMRANGEBYRANK', P .. entry, 0, excess - 1)
    grown = grown - excess * (per_item + #story)
  end
end

for i = 7, #ARGV, 4 do
  local kind, at, text = ARGV[i], ARGV[i + 2], ARGV[i + 3]
  local entry = kind .. ':' .. ARGV[i + 1]
  touch(entry, at)
  if kind == 'steps' then add_step(entry, text) else add_story(entry, at, text) end
end
redis.call('INCRBY', P .. 'trail_bytes', grown)
return 0
