<%@ page contentType="text/html; charset=UTF-8" pageEncoding="UTF-8" %>
<%
	if (request.getHeader("X-Wechat-Nickname") == null) {
		response.setHeader("X-Wechat-Require", "snsapi_userinfo");
		response.sendError(403, "the old app's own refusal");
		return;
	}
	String nickname = java.net.URLDecoder.decode(request.getHeader("X-Wechat-Nickname"), "UTF-8");
%>
<!DOCTYPE html>
<title>会员</title>
<h1>会员 <%= nickname %></h1>
<p><%= request.getQueryString() %></p>
