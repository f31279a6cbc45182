<%@ page contentType="text/html; charset=UTF-8" pageEncoding="UTF-8" %>
<%
	request.setCharacterEncoding("UTF-8");
	String text = String.valueOf(request.getParameter("text"));
%>
<!DOCTYPE html>
<title>留言</title>
<p id="method"><%= request.getMethod() %></p>
<p id="openid"><%= request.getHeader("X-Wechat-Openid") %></p>
<p id="text"><%= java.net.URLEncoder.encode(text, "UTF-8") %></p>
<p id="length"><%= request.getContentLength() %></p>
