<%--
	Receives webhooks of the WeChat gateway in any servlet container.

	1. Compile WebhookVerifier.java and put it into WEB-INF/classes/wechat/WebhookVerifier.class:
	       javac -d WEB-INF/classes WebhookVerifier.java
	2. Put this page where the gateway can reach it and visitors need not: webhook http://127.0.0.1:8080/wechat-webhook.jsp
	3. Give the secret in WEB-INF/web.xml (<context-param> wechat.webhook.secret) or in the environment
	   (WECHAT_WEBHOOK_SECRET).

	The answer matters: 204 is "done, never again"; everything else brings the same event, with the same id, once more.
--%><%@ page contentType="text/plain; charset=UTF-8" pageEncoding="UTF-8" session="false" trimDirectiveWhitespaces="true"
	import="java.util.Collections, java.util.LinkedHashMap, java.util.Map, java.util.Set, wechat.WebhookVerifier" %><%!
	private WebhookVerifier verifier;

	// Ids of events that were dealt with, the last 10,000. A real app keeps them in a table with a unique id, written in the same
	// transaction as the work: a restart forgets these.
	private final Set<String> seen = Collections.newSetFromMap(new LinkedHashMap<String, Boolean>() {
		protected boolean removeEldestEntry(Map.Entry<String, Boolean> oldest) { return size() > 10000; }
	});

	public void jspInit() {
		String secret = getServletContext().getInitParameter("wechat.webhook.secret");
		verifier = new WebhookVerifier(secret != null ? secret : System.getenv("WECHAT_WEBHOOK_SECRET"));
	}

	// Your work. What you throw becomes a 500, and the event comes again.
	private void handle(String type, byte[] body) {
		String user = WebhookVerifier.text(body, "user"); // X-Wechat-User
		if ("merged".equals(type)) {
			// UPDATE orders SET wechat_user = user WHERE wechat_user = former_user
			String former = WebhookVerifier.text(body, "former_user");
			log("wechat: " + former + " is now " + user);
		} else if ("revoked".equals(type) || "profile_changed".equals(type)) {
			// UPDATE customers SET nickname = NULL, avatar = NULL WHERE wechat_user = user
			log("wechat: " + user + " took back the profile");
		} else if ("cancelled".equals(type) || "erased".equals(type)) {
			// DELETE what the law does not make you keep
			log("wechat: " + user + " is to be forgotten");
		} else {
			log("wechat: " + type + " " + user); // also of types that come later
		}
	}
%><%
	if (!"POST".equals(request.getMethod())) {
		response.setHeader("Allow", "POST");
		response.setStatus(405);
		return;
	}
	byte[] body = WebhookVerifier.read(request.getInputStream()); // before anything reads a parameter
	if (body == null) {
		response.setStatus(413);
		return;
	}
	String id = request.getHeader("webhook-id");
	if (!verifier.verify(id, request.getHeader("webhook-timestamp"), request.getHeader("webhook-signature"), body)) {
		response.setStatus(401);
		return;
	}
	synchronized (seen) {
		if (!seen.contains(id)) {
			handle(WebhookVerifier.text(body, "type"), body);
			seen.add(id);
		}
	}
	response.setStatus(204);
%>
