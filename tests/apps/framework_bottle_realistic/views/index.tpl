<!doctype html>
<title>The inn</title>
<link rel="stylesheet" href="{{get_url('static', filepath='style.css')}}">
<h1>The inn</h1>
