<%@ page contentType="text/html; charset=UTF-8" pageEncoding="UTF-8" %>
<%
	String openid   = request.getHeader("X-Wechat-Openid");
	String nickname = request.getHeader("X-Wechat-Nickname");
	if (nickname != null) nickname = java.net.URLDecoder.decode(nickname, "UTF-8");
%>
<!DOCTYPE html>
<html lang="zh-CN">
<head><meta charset="UTF-8"><title>老商店</title></head>
<body>
<h1>你好，<%= nickname %>！</h1>
<p id="openid"><%= openid %></p>
</body>
</html>
