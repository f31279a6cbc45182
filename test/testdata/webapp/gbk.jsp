<%@ page contentType="text/html; charset=GBK" pageEncoding="UTF-8" session="false" import="java.net.*,java.util.*" %>
<%!
	// As apps of 2009 do it: the query is GBK, whatever the server's default is.
	static String fromQuery(HttpServletRequest request, String name) throws Exception {
		if (request.getQueryString() == null) return "";
		for (String pair : request.getQueryString().split("&"))
			if (pair.startsWith(name + "=")) return URLDecoder.decode(pair.substring(name.length() + 1), "GBK");
		return "";
	}

	static String html(String text) {
		return text == null ? "" : text.replace("&", "&amp;").replace("<", "&lt;").replace("\"", "&quot;");
	}
%>
<%
	request.setCharacterEncoding("GBK");
	String posted = request.getMethod().equals("POST") ? request.getParameter("text") : null;
%>
<!DOCTYPE html>
<html lang="zh-CN">
<head><title>老论坛</title></head>
<body>
<p id="name"><%= html(fromQuery(request, "name")) %></p>
<pre id="posted"><%= html(posted) %></pre>
<p id="charset"><%= html(request.getParameter("_charset_")) %></p>
<p id="openid"><%= request.getHeader("X-Wechat-Openid") %></p>
<p><a id="link" href="gbk.jsp?name=你好世界&amp;page=2">下一页</a></p>
<form id="search" action="gbk.jsp"><input name="name"><button>搜索</button></form>
<form id="reply" action="gbk.jsp?name=帖子" method="post">
	<input type="hidden" name="_charset_">
	<textarea name="text"></textarea>
	<button>回复</button>
</form>
</body>
</html>
