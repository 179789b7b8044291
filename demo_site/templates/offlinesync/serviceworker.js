{% extends "offlinesync/serviceworker.js" %}
{% block network %}
{% include "trial/network.js" %}
{% endblock %}
{% block extra %}
{% include "trial/worker.js" %}
{% endblock %}
