# outcome: 2 raised RuntimeError
def __getattr__(name):
    raise RuntimeError(f'asked for {name}')

x = 1
