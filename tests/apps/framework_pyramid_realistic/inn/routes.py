def includeme(config):
    config.add_static_view('static', 'static', cache_max_age=3600)
    config.add_route('home', '/')
    config.add_route('horse', '/horses/{number}')
    config.add_route('share', '/share')
    config.add_route('whoami', '/whoami')
    config.add_route('fails', '/fails')
