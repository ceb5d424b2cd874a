from django.db import models
from django.urls import reverse


class Horse(models.Model):
    name = models.CharField(max_length=100)
    picture = models.FileField(upload_to='horses', blank=True)

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse('horses:detail', args=[self.pk])
