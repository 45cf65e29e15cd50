-- Posts the first body of a file again and again, each time under a new id.
local line = io.open(os.getenv("BODIES")):read("*l")
local id, body = line:match("^(%S+)\t(.*)$")
local at = body:find(id, 1, true)
local head, tail = body:sub(1, at - 1), body:sub(at + #id)
local n = 0

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN")

request = function()
	n = n + 1
	return wrk.format(nil, nil, nil, head .. string.format("00000000-0000-5000-8%03d-%012d", os.getenv("ROUND"), n) .. tail)
end
