-- What the records of an index take, as the scripts counted it. In front of the steps that keep to a budget.

local function bytes_of(index)
  return (tonumber(redis.call('HGET', P .. 'bytes', index)) or 0) + (weighed[index] or 0)
end

-- Nothing is left: whatever an earlier release did not count is gone too.
local function count_anew(index) weighed[index] = (weighed[index] or 0) - bytes_of(index) end
