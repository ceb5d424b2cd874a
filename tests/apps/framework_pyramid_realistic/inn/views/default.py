from pyramid.response import Response
from pyramid.view import view_config


@view_config(route_name='home', renderer='inn:templates/mytemplate.jinja2')
def my_view(request):
    return {'project': 'The inn'}


@view_config(route_name='horse')
def horse(request):
    return Response('horse ' + request.matchdict['number'])


@view_config(route_name='share')
def share(request):
    return Response(request.route_url('horse', number=7))


@view_config(route_name='whoami')
def whoami(request):
    return Response(f'{request.client_addr} {request.scheme}')


@view_config(route_name='fails')
def fails(request):
    raise RuntimeError('a wheel came off')
