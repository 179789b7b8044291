{% extends "offlinesync/client.js" %}
{% block network %}
{% include "trial/network.js" %}
const isNetworkCut = look;
{% endblock %}
