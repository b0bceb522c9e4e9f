-- Sends the request bodies of a file in their order, again and again, and prints one line of results.
-- Arguments: the file, the token, a name, and the path. Where a body has `@@`, each request puts there the name and
-- a counter, so that its document is one that the server has never seen.

local requests, count, at, name = {}, 0, 0, nil
local width = 8

function init(arguments)
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Authorization"] = "Bearer " .. arguments[2]
  name = arguments[3]
  for body in io.lines(arguments[1]) do
    count = count + 1
    local before, after = body:match("^(.-)@@(.*)$")
    if before then
      local marker = string.rep("@", width)
      local text = wrk.format(nil, arguments[4], nil, before .. name .. marker .. after)
      local from, to = text:find(marker, 1, true)
      requests[count] = { text:sub(1, from - 1), text:sub(to + 1) }
    else
      requests[count] = wrk.format(nil, arguments[4], nil, body)
    end
  end
end

function request()
  at = at + 1
  local chosen = requests[(at - 1) % count + 1]
  if type(chosen) == "table" then
    return chosen[1] .. string.format("%0" .. width .. "x", at) .. chosen[2]
  end
  return chosen
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"microseconds":%d,"bytes":%d,"failed":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration, summary.bytes,
    errors.connect + errors.read + errors.write + errors.status,
    latency:percentile(50), latency:percentile(99)
  ))
end
