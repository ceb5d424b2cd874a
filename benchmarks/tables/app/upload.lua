-- wrk sends this: https://github.com/wg/wrk/blob/master/SCRIPTING
wrk.method = "POST"
wrk.body = string.rep("x", 1048576)
wrk.headers["Content-Type"] = "application/octet-stream"
