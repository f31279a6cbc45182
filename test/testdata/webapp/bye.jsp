<%@ page contentType="text/html; charset=UTF-8" pageEncoding="UTF-8" %>
<%
	session.invalidate();
	response.setHeader("X-Wechat-Logout", "1");
%>
<!DOCTYPE html>
<title>再见</title>
<h1>再见</h1>
