<%- let largest = "longest_of" %>
<%- let bits = "PULSE_BITS" %>
<% include "momentum/largest.v" %>
