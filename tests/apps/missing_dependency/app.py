import a_package_that_nobody_has.http

app = a_package_that_nobody_has.http.App()
