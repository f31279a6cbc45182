<%@ page contentType="text/plain; charset=UTF-8" pageEncoding="UTF-8" trimDirectiveWhitespaces="true" %>
<%
	for (String name : java.util.Collections.list(request.getHeaderNames()))
		for (String value : java.util.Collections.list(request.getHeaders(name)))
			out.print(name + ": " + value + "\n");
%>
