<%@ page contentType="text/html; charset=UTF-8" pageEncoding="UTF-8" %>
<!DOCTYPE html>
<title>内部</title>
<h1>for signed-in visitors only</h1>
